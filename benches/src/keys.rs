//! Keys, their order of arrival, and which of them are asked for. All from fixed seeds.

use std::sync::Arc;

use rand::distr::{Distribution, weighted::WeightedIndex};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// The content of a map: keys, and the number of each key's value, in shuffled order.
pub type Entries<K> = Arc<[(K, u64)]>;

/// How keys are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Skew {
    /// Each as often as any other.
    Uniform,
    /// The most wanted in proportion to 1, the next 1 / 2^0.99, 1 / 3^0.99 ... (the skew of YCSB). As the
    /// entries are shuffled, wanted keys lie anywhere in the order.
    Zipf,
}

/// A generator that gives the same numbers in every run.
#[must_use]
pub fn rng(seed: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed)
}

/// A number, spread over all 64 bits. Different numbers stay different (the finisher of splitmix64).
#[must_use]
pub fn number(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// A string of 16 to 24 bytes that differs early: the hex digits of [`number`], and up to 8 more.
#[must_use]
pub fn string(n: u64) -> String {
    let spread = number(n);
    let tail = format!("{:08x}", spread >> 32);
    let more = usize::try_from(spread % 9).unwrap_or(0);
    format!("{spread:016x}{}", &tail[..more])
}

/// A string of 16 to 24 bytes whose first 10 are the same in all keys, as in "customer:" and a number.
#[must_use]
pub fn prefixed(n: u64) -> String {
    let spread = number(n);
    let digits = format!("{:014x}", spread >> 8);
    let more = usize::try_from(spread % 9).unwrap_or(0);
    format!("customer::{}", &digits[..6 + more])
}

/// `count` entries with keys from `make`, shuffled. Keys that are equal are drawn again.
pub fn entries<K: Ord + Clone>(count: usize, make: fn(u64) -> K) -> Entries<K> {
    let mut entries: Vec<(K, u64)> = Vec::new();
    let mut next = 0;
    while entries.len() < count {
        let missing = u64::try_from(count - entries.len()).unwrap_or(u64::MAX);
        entries.extend((next..next + missing).map(|n| (make(n), n)));
        next += missing;
        entries.sort_unstable();
        entries.dedup_by(|one, other| one.0 == other.0);
    }
    entries.shuffle(&mut rng(1));
    entries.into()
}

/// The entries in the order of their keys.
#[must_use]
pub fn ascending<K: Ord + Clone>(entries: &[(K, u64)]) -> Vec<(K, u64)> {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    sorted
}

/// For each of `threads`, an equal share of `count` entries drawn from all.
#[must_use]
pub fn draws<K: Clone>(
    entries: &[(K, u64)],
    skew: Skew,
    count: usize,
    threads: usize,
) -> Vec<Vec<(K, u64)>> {
    let weights = match skew {
        Skew::Uniform => None,
        Skew::Zipf => zipf(entries.len()),
    };
    let draw = |rng: &mut SmallRng| match &weights {
        Some(weights) => weights.sample(rng),
        None => rng.random_range(0..entries.len()),
    };
    let share = |thread: u64| {
        let mut rng = rng(1_000 + thread);
        (0..count.div_ceil(threads)).map(|_| entries[draw(&mut rng)].clone()).collect()
    };
    (0..threads).map(|thread| share(u64::try_from(thread).unwrap_or(0))).collect()
}

fn zipf(count: usize) -> Option<WeightedIndex<f64>> {
    WeightedIndex::new((1..=count).map(|rank| crate::number::float(rank).powf(-0.99))).ok()
}

/// Deals `items` out to `threads`, one to each in turn.
#[must_use]
pub fn deal<T>(items: impl IntoIterator<Item = T>, threads: usize) -> Vec<Vec<T>> {
    let mut hands: Vec<Vec<T>> = (0..threads).map(|_| Vec::new()).collect();
    for (n, item) in items.into_iter().enumerate() {
        hands[n % threads].push(item);
    }
    hands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_distinct_and_of_the_stated_length() {
        for make in [string, prefixed] {
            let entries = entries(10_000, make);
            let sorted = ascending(&entries);
            assert_eq!(sorted.len(), 10_000);
            assert!(sorted.windows(2).all(|two| two[0].0 < two[1].0));
            assert!(sorted.iter().all(|(key, _)| (16..=24).contains(&key.len())));
            assert_ne!(&sorted[..], &entries[..]);
        }
    }

    #[test]
    fn zipf_prefers_the_first_entries() {
        let entries = entries(1_000, number);
        let share = |skew| {
            let drawn = draws(&entries, skew, 10_000, 2);
            drawn.iter().flatten().filter(|entry| entries[..10].contains(entry)).count()
        };
        assert!(share(Skew::Uniform) < 200);
        assert!(share(Skew::Zipf) > 3_000);
    }
}
