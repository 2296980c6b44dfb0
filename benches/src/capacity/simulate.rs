//! The ideal: a queue that is first come, first served, over places that cost nothing (Kiefer and Wolfowitz).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::load::{Call, Outcome};

/// A time that is ordered as floats are in total.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// What becomes of the calls over so many places. Beyond `limit` calls in flight a new one is refused.
///
/// # Panics
///
/// If there are no places.
#[must_use]
pub fn simulate(calls: &[Call], places: usize, limit: Option<usize>) -> Vec<Outcome> {
    assert!(places > 0, "a queue needs a place");
    let mut free: BinaryHeap<_> = (0..places).map(|_| Reverse(Time(0.0))).collect();
    let mut ends: BinaryHeap<Reverse<Time>> = BinaryHeap::new();
    let mut serve = |call: &Call| {
        if let Some(limit) = limit {
            while ends.peek().is_some_and(|end| end.0.0 <= call.at) {
                ends.pop();
            }
            if ends.len() >= limit {
                return f64::INFINITY;
            }
        }
        let mut next = free.peek_mut().expect("there is a place");
        let start = next.0.0.max(call.at);
        *next = Reverse(Time(start + call.hold));
        if limit.is_some() {
            ends.push(Reverse(Time(start + call.hold)));
        }
        start - call.at
    };
    let outcome =
        |call: &Call| Outcome { at: call.at, wait: serve(call), late: 0.0, counts: call.counts };
    calls.iter().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(calls: &[(f64, f64)], places: usize, limit: Option<usize>) -> Vec<f64> {
        let calls: Vec<Call> =
            calls.iter().map(|&(at, hold)| Call { at, hold, counts: true }).collect();
        simulate(&calls, places, limit).iter().map(|outcome| outcome.wait).collect()
    }

    #[test]
    fn callers_are_served_in_order_by_whichever_place_is_free_first() {
        let calls = [(0.0, 5.0), (1.0, 2.0), (1.0, 1.0), (2.0, 1.0), (9.0, 1.0)];
        assert_eq!(waits(&calls, 2, None), [0.0, 0.0, 2.0, 2.0, 0.0]);
    }

    #[test]
    fn callers_beyond_the_limit_are_refused() {
        let calls = [(0.0, 5.0), (1.0, 2.0), (1.0, 1.0), (5.0, 1.0)];
        assert_eq!(waits(&calls, 1, Some(2)), [0.0, 4.0, f64::INFINITY, 2.0]);
    }
}
