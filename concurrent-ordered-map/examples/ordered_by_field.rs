//! Lists a map's entries by one field of their values, and by several: the Go original's
//! `GetOrderedByField` and `GetOrderedByMultiField`.
//!
//! ```sh
//! cargo run -p concurrent-ordered-map --example ordered_by_field
//! ```
//!
//! A listing is one look at the map: it collects references to the entries and sorts those. Nothing is
//! copied but what is printed, and other threads may write meanwhile.

use std::cmp::{Ordering, Reverse};

use concurrent_ordered_map::{ConcurrentOrderedMap, Pinned};

/// What the map holds for each name.
struct Server {
    region: &'static str,
    connections: u32,
    /// In milliseconds.
    latency: f64,
}

type Servers = ConcurrentOrderedMap<String, Server>;

/// A map's entry.
type Entry<'p> = (&'p String, &'p Server);

fn main() {
    let servers = servers();
    let session = servers.pin();

    let by_connections = ordered_by(&session, |_, server| Reverse(server.connections));
    print("by connections, the most first", &by_connections);
    assert_eq!(names(&by_connections), ["cedar", "aspen", "elm", "birch", "dogwood"]);

    let by_region = ordered_by(&session, |_, server| (server.region, server.connections));
    print("by region, then by connections", &by_region);
    assert_eq!(names(&by_region), ["birch", "elm", "aspen", "dogwood", "cedar"]);

    // What is not `Ord`, like floating-point numbers, takes a comparison.
    let by_latency = ordered_with(&session, |(_, one), (_, other)| {
        one.latency.total_cmp(&other.latency).then_with(|| one.region.cmp(other.region))
    });
    print("by latency, then by region", &by_latency);
    assert_eq!(names(&by_latency), ["birch", "aspen", "dogwood", "cedar", "elm"]);

    // Sorting is stable, and the map is in key order. So entries that are equal otherwise stay in it.
    let by_length = ordered_by(&session, |name, _| name.len());
    print("by length of their names", &by_length);
    assert_eq!(names(&by_length), ["elm", "aspen", "birch", "cedar", "dogwood"]);
}

fn servers() -> Servers {
    let servers = Servers::new();
    std::thread::scope(|scope| {
        for (name, region, connections, latency) in [
            ("elm", "north", 310, 20.5),
            ("aspen", "north", 420, 11.0),
            ("dogwood", "south", 75, 11.0),
            ("cedar", "south", 615, 17.25),
            ("birch", "north", 120, 9.5),
        ] {
            let servers = &servers;
            scope.spawn(move || {
                servers.set(name.to_string(), Server { region, connections, latency });
            });
        }
    });
    servers
}

/// All entries, ordered by what `key` makes of each: one field, or a tuple of several.
fn ordered_by<'p, T: Ord>(
    session: &'p Pinned<'_, String, Server>,
    mut key: impl FnMut(&'p String, &'p Server) -> T,
) -> Vec<Entry<'p>> {
    let mut entries: Vec<Entry<'p>> = session.iter().collect();
    entries.sort_by_key(|(name, server)| key(name, server));
    entries
}

/// All entries, ordered by a comparison.
fn ordered_with<'p>(
    session: &'p Pinned<'_, String, Server>,
    mut compare: impl FnMut(&Entry<'p>, &Entry<'p>) -> Ordering,
) -> Vec<Entry<'p>> {
    let mut entries: Vec<Entry<'p>> = session.iter().collect();
    entries.sort_by(|one, other| compare(one, other));
    entries
}

fn names<'p>(entries: &[Entry<'p>]) -> Vec<&'p str> {
    entries.iter().map(|(name, _)| name.as_str()).collect()
}

fn print(title: &str, entries: &[Entry<'_>]) {
    println!("{title}");
    for (name, Server { region, connections, latency }) in entries {
        println!("  {name:<8} {region:<6} {connections:>4} connections {latency:>6.2} ms");
    }
    println!();
}
