//! Ranks a map's values by how similar they are to a text: the Go original's rankings by Levenshtein,
//! Jaro-Winkler and other measures, with the crate `strsim`.
//!
//! ```sh
//! cargo run -p concurrent-ordered-map --example rank_similar -- 'Jon Smyth'
//! ```
//!
//! Without an argument it looks for "Jon Smyth" and holds that each measure finds whom it should.

use concurrent_ordered_map::{ConcurrentOrderedMap, Pinned};

/// Names by number.
type Members = ConcurrentOrderedMap<u32, String>;

/// How similar two texts are, from 0 for not at all to 1 for equal.
struct Measure {
    name: &'static str,
    similarity: fn(&str, &str) -> f64,
}

const MEASURES: [Measure; 6] = [
    Measure { name: "Levenshtein", similarity: strsim::normalized_levenshtein },
    Measure { name: "Damerau-Levenshtein", similarity: strsim::normalized_damerau_levenshtein },
    Measure { name: "optimal string alignment", similarity: alignment },
    Measure { name: "Jaro", similarity: strsim::jaro },
    Measure { name: "Jaro-Winkler", similarity: strsim::jaro_winkler },
    Measure { name: "Sorensen-Dice", similarity: strsim::sorensen_dice },
];

/// `strsim` has this one as a distance only.
fn alignment(one: &str, other: &str) -> f64 {
    let longest = one.chars().count().max(other.chars().count());
    let distance = strsim::osa_distance(one, other);
    // Names are short: no digit is lost.
    let ratio = |part: usize| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
    if longest == 0 { 1.0 } else { 1.0 - ratio(distance) / ratio(longest) }
}

/// A member, and how similar the name is.
#[derive(Debug)]
struct Ranked<'p> {
    similarity: f64,
    number: u32,
    name: &'p str,
}

fn main() {
    let members = Members::from([
        (101, "John Smith".to_string()),
        (102, "Smith, John".to_string()),
        (103, "Jon Smythe".to_string()),
        (104, "Joan Smits".to_string()),
        (105, "Mary Jones".to_string()),
        (106, "Jonathan Smithers".to_string()),
        (107, "Jno Smyth".to_string()),
    ]);
    let wanted = std::env::args().nth(1);
    let text = wanted.as_deref().unwrap_or("Jon Smyth");

    let session = members.pin();
    for measure in &MEASURES {
        let ranking = rank(&session, text, measure);
        println!("'{text}' by {}", measure.name);
        for Ranked { similarity, number, name } in ranking.iter().take(4) {
            println!("  {similarity:.3}  {number}  {name}");
        }
        println!();
        check(&ranking, members.len());
        if wanted.is_none() {
            expect(&ranking, measure);
        }
    }
}

/// All members, the most similar first, and of the equally similar the lower number first.
fn rank<'p>(
    session: &'p Pinned<'_, u32, String>,
    text: &str,
    measure: &Measure,
) -> Vec<Ranked<'p>> {
    let rate = |(number, name): (&u32, &'p String)| Ranked {
        similarity: (measure.similarity)(text, name),
        number: *number,
        name,
    };
    let mut ranking: Vec<Ranked<'p>> = session.iter().map(rate).collect();
    ranking.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
    ranking
}

fn check(ranking: &[Ranked<'_>], members: usize) {
    assert_eq!(ranking.len(), members);
    assert!(ranking.is_sorted_by(|one, other| one.similarity >= other.similarity));
    assert!(ranking.iter().all(|ranked| (0.0..=1.0).contains(&ranked.similarity)));
}

fn expect(ranking: &[Ranked<'_>], measure: &Measure) {
    // 107 has two letters in each other's place. Levenshtein counts that as two changes, not one.
    let expected = if measure.name == "Levenshtein" { [103, 101] } else { [103, 107] };
    let found = [ranking[0].number, ranking[1].number];
    assert_eq!(found, expected, "{}: {ranking:?}", measure.name);
}
