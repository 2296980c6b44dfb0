//! What a session has seen stays until it ends.

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::common::crew::{Foreground, Meeting, crew};
use crate::common::ledger::{Counted, Ledger};
use crate::common::{SHAPES, alone, collect_until, map_of, push_out_until, scaled};
use linearizability::rng::Rng;

static KEYS: Ledger = Ledger::new();
static VALUES: Ledger = Ledger::new();

const NUMBERS: u32 = 80;

type Map = ConcurrentOrderedMap<Counted, Counted>;

fn entry(n: u32) -> (Counted, Counted) {
    (Counted::new(n, &KEYS), Counted::new(n, &VALUES))
}

fn close() {
    push_out_until("all garbage has been dropped", || KEYS.alive() == 0 && VALUES.alive() == 0);
    KEYS.close();
    VALUES.close();
}

fn check((key, value): (&Counted, &Counted)) {
    assert_eq!(key.n, value.n);
    assert!(key.token.is_alive() && value.token.is_alive(), "{} was dropped too early", key.n);
}

/// Removes, replaces and inserts at random, and pushes garbage out all the time.
fn churn(map: &Map, rng: &mut Rng) {
    for _ in 0..50 {
        let n = rng.below(NUMBERS);
        match rng.below(6) {
            0 => _ = map.pin().insert(entry(n).0, entry(n).1),
            1 => map.extend((n..n + 6).map(entry)),
            2 => _ = map.pin().remove(&n),
            3 => _ = map.remove_range(n..n + 6),
            4 => _ = map.pin().pop_first(),
            _ => _ = map.pin().pop_last(),
        }
    }
    if rng.below(8) == 0 {
        map.collect();
    }
}

#[test]
fn what_a_session_has_seen_stays_alive_until_it_ends() {
    let _alone = alone();
    for shape in SHAPES {
        let map: Map = map_of(shape);
        map.extend((0..NUMBERS).map(entry));
        let readers = Foreground::of(2);
        crew(4, |me| {
            let mut rng = Rng::stream(7, u64::try_from(me).unwrap());
            if me >= 2 {
                while readers.is_busy() {
                    churn(&map, &mut rng);
                }
                return;
            }
            let _reading = readers.enter();
            for _ in 0..scaled(100) {
                let session = map.pin();
                let mut seen: Vec<_> = session.iter().collect();
                for n in 0..NUMBERS {
                    seen.extend(session.get_key_value(&n));
                }
                // What this session removes itself stays as well.
                seen.extend(session.remove_entry(&rng.below(NUMBERS)));
                seen.extend(session.pop_first());
                seen.extend(session.pop_last());
                std::thread::yield_now();
                seen.into_iter().for_each(check);
            }
        });
        KEYS.check();
        VALUES.check();
        drop(map);
        close();
    }
}

/// One thread sits in a session, with an iterator under way, while everything that it is about to see is
/// replaced, removed and inserted again.
#[test]
fn a_session_that_is_held_sees_what_goes_on_and_ends_well() {
    let _alone = alone();
    for shape in SHAPES {
        for _ in 0..scaled(3) {
            let map: Map = map_of(shape);
            map.extend((0..NUMBERS).map(entry));
            let (begun, done) = (Meeting::of(2), Meeting::of(2));
            crew(2, |me| {
                if me == 1 {
                    begun.wait();
                    for _ in 0..20 {
                        map.remove_range(1..NUMBERS - 1);
                        map.extend((0..NUMBERS).map(entry));
                    }
                    assert!(!map.collect(), "there is a session");
                    done.wait();
                    return;
                }
                let session = map.pin();
                let first: Vec<_> = session.iter().collect();
                let mut under_way = session.iter();
                let begin = [under_way.next(), under_way.next()];
                let end = [under_way.next_back(), under_way.next_back()];
                begun.wait();
                done.wait();
                // All entries of the beginning, long replaced, are there for this session.
                first.into_iter().for_each(check);
                begin.into_iter().chain(end).flatten().for_each(check);
                let rest: Vec<_> = under_way.map(|(key, _)| key.n).collect();
                assert!(
                    rest.iter().copied().eq(2..NUMBERS - 2),
                    "{shape:?}: not all keys: {rest:?}"
                );
                assert!(session.iter().map(|(key, _)| key.n).eq(0..NUMBERS));
                assert!(VALUES.alive() > 20 * usize::try_from(NUMBERS - 2).unwrap());
            });
            let here = usize::try_from(NUMBERS).unwrap();
            assert_eq!(map.len(), here);
            collect_until(&map, "the session's end lets go", || VALUES.alive() == here);
            drop(map);
            close();
        }
    }
}
