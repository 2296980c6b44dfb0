//! The ideal: a queue that is first come, first served, over places that cost nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::load::{Call, Callers, Outcome};

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

/// The queue at some moment. Calls are known by their numbers.
struct Queue<'c> {
    calls: &'c [Call],
    held: usize,
    free: usize,
    in_flight: usize,
    /// Those that wait, in order, and how many places each still wants.
    waiting: VecDeque<(usize, usize)>,
    /// When those that are served end.
    ends: BinaryHeap<Reverse<(Time, usize)>>,
    waits: Vec<f64>,
}

impl Queue<'_> {
    /// A call joins the end.
    fn join(&mut self, call: usize) {
        self.in_flight += 1;
        self.waiting.push_back((call, self.held));
        self.serve(self.calls[call].at);
    }

    /// What ends until then makes room.
    fn pass(&mut self, until: f64) {
        while let Some(Reverse((end, _))) =
            self.ends.peek().copied().filter(|end| end.0.0.0 <= until)
        {
            self.ends.pop();
            self.free += self.held;
            self.in_flight -= 1;
            self.serve(end.0);
        }
    }

    /// Who wants one more joins the end again, as a caller of a pool does.
    fn serve(&mut self, now: f64) {
        while self.free > 0
            && let Some((call, wanted)) = self.waiting.pop_front()
        {
            self.free -= 1;
            if wanted > 1 {
                self.waiting.push_back((call, wanted - 1));
                continue;
            }
            let Call { at, hold, .. } = self.calls[call];
            self.waits[call] = now - at;
            self.ends.push(Reverse((Time(now + hold), call)));
        }
    }
}

/// What becomes of the calls over so many places. Calls that wait for one another wait for ever: nobody's patience
/// ends.
///
/// # Panics
///
/// If there are no places.
#[must_use]
pub fn simulate(calls: &[Call], places: usize, callers: Callers) -> Vec<Outcome> {
    assert!(places > 0, "a queue needs a place");
    let mut queue = Queue {
        calls,
        held: callers.held,
        free: places,
        in_flight: 0,
        waiting: VecDeque::new(),
        ends: BinaryHeap::new(),
        waits: vec![f64::INFINITY; calls.len()],
    };
    for (n, call) in calls.iter().enumerate() {
        queue.pass(call.at);
        if callers.limit.is_none_or(|limit| queue.in_flight < limit) {
            queue.join(n);
        }
    }
    queue.pass(f64::INFINITY);
    let outcome =
        |(call, wait): (&Call, f64)| Outcome { at: call.at, wait, late: 0.0, counts: call.counts };
    calls.iter().zip(queue.waits).map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(calls: &[(f64, f64)], places: usize, limit: Option<usize>, held: usize) -> Vec<f64> {
        let calls: Vec<Call> =
            calls.iter().map(|&(at, hold)| Call { at, hold, counts: true }).collect();
        simulate(&calls, places, Callers { limit, held, patience: 0.0 })
            .iter()
            .map(|outcome| outcome.wait)
            .collect()
    }

    #[test]
    fn callers_are_served_in_order_by_whichever_place_is_free_first() {
        let calls = [(0.0, 5.0), (1.0, 2.0), (1.0, 1.0), (2.0, 1.0), (9.0, 1.0)];
        assert_eq!(waits(&calls, 2, None, 1), [0.0, 0.0, 2.0, 2.0, 0.0]);
    }

    #[test]
    fn callers_beyond_the_limit_are_refused() {
        let calls = [(0.0, 5.0), (1.0, 2.0), (1.0, 1.0), (5.0, 1.0)];
        assert_eq!(waits(&calls, 1, Some(2), 1), [0.0, 4.0, f64::INFINITY, 2.0]);
    }

    #[test]
    fn callers_that_want_several_take_them_in_turn() {
        // The first has both; of those that come meanwhile each takes one when it ends, and neither gets another.
        let calls = [(0.0, 5.0), (1.0, 2.0), (2.0, 1.0)];
        assert_eq!(waits(&calls, 2, None, 2), [0.0, f64::INFINITY, f64::INFINITY]);
        // With one place more the first of them has two, and then the second.
        assert_eq!(waits(&calls, 3, None, 2), [0.0, 4.0, 5.0]);
    }
}
