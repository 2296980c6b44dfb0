//! The map as a queue: ascending insertions at one end, pops at the other.

use std::sync::atomic::{AtomicU32, Ordering};

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::common::crew::{Foreground, crew};
use crate::common::{SHAPES, alone, eventually, map_of, scaled};

/// Pops until the producers are done and nothing is left.
fn consume(map: &ConcurrentOrderedMap<u32, u32>, producers: &Foreground) -> Vec<u32> {
    let mut popped = Vec::new();
    loop {
        let over = !producers.is_busy();
        match map.pop_first() {
            Some((key, value)) => {
                assert_eq!(key, value);
                popped.push(key);
            }
            None if over => return popped,
            None => std::thread::yield_now(),
        }
    }
}

/// Few elements are under way at any time, so that the ends of the queue meet often.
fn hold_back(map: &ConcurrentOrderedMap<u32, u32>) {
    eventually("the consumers keep up", || map.len() <= 20);
}

#[test]
fn what_one_thread_queues_is_popped_once_and_in_order() {
    let _alone = alone();
    let total = scaled(10_000);
    for shape in SHAPES {
        let map = map_of(shape);
        let producers = Foreground::of(1);
        let popped = crew(3, |me| {
            if me > 0 {
                return consume(&map, &producers);
            }
            let _producing = producers.enter();
            for n in 0..total {
                map.set(n, n);
                hold_back(&map);
            }
            Vec::new()
        });
        for consumer in &popped {
            assert!(consumer.is_sorted_by(|one, next| one < next), "first in, first out");
        }
        let mut all = popped.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..total), "each element is popped once");
        assert!(map.is_empty());
        assert_eq!(map.len(), 0);
    }
}

#[test]
fn what_several_threads_queue_is_popped_once() {
    let _alone = alone();
    let total = scaled(10_000);
    for shape in SHAPES {
        let map = map_of(shape);
        let next = AtomicU32::new(0);
        let producers = Foreground::of(2);
        let popped = crew(4, |me| {
            if me >= 2 {
                return consume(&map, &producers);
            }
            let _producing = producers.enter();
            // Ordering: Relaxed; each number is drawn once.
            while let n @ 0.. = next.fetch_add(1, Ordering::Relaxed)
                && n < total
            {
                map.set(n, n);
                hold_back(&map);
            }
            Vec::new()
        });
        let mut all = popped.concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..total), "each element is popped once");
        assert!(map.is_empty());
        assert_eq!(map.len(), 0);
    }
}

#[test]
fn a_map_that_is_drained_can_be_filled_again() {
    let _alone = alone();
    const NUMBERS: u32 = 300;
    for shape in SHAPES {
        let map: ConcurrentOrderedMap<u32, u32> = map_of(shape);
        for round in 0..scaled(10) {
            crew(2, |me| {
                let mine = |n: &u32| usize::try_from(n % 2).unwrap() == me;
                map.extend((0..NUMBERS).filter(mine).map(|n| (n, round)));
            });
            assert_eq!(map.len(), usize::try_from(NUMBERS).unwrap());
            assert!(map.pin().iter().map(|(n, r)| (*n, *r)).eq((0..NUMBERS).map(|n| (n, round))));
            let drained = crew(2, |me| match (me, round % 3) {
                (0, 0) => std::iter::from_fn(|| map.pop_first()).count(),
                (1, 0) => std::iter::from_fn(|| map.pop_last()).count(),
                (0, 1) => map.remove_range(..NUMBERS / 2),
                (1, 1) => map.remove_range(NUMBERS / 2..),
                _ => (0..NUMBERS).filter(|n| map.delete(n)).count(),
            });
            assert_eq!(drained.into_iter().sum::<usize>(), usize::try_from(NUMBERS).unwrap());
            assert!(map.is_empty() && map.pin().iter().next().is_none());
            assert_eq!(map.len(), 0);
        }
    }
}
