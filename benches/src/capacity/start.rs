//! Starting cold: how many connections must be open before the first call?

use serde::Serialize;

use super::figures::{ascending, at};
use super::load::steady;
use super::predict::least_that;
use super::runner::{Peer, Runner, SEED};
use crate::number::count;

/// The start of a pool, when calls come at the full rate from the first moment on.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// How long opening takes, in milliseconds.
    pub connect_ms: f64,
    /// What counts as the start, in milliseconds.
    pub window_ms: f64,
    /// What the target's share of calls stays within with none open, in milliseconds.
    pub cold_ms: f64,
    /// The least number of open connections at which the target holds from the first call on; nothing if it does
    /// not even with all.
    pub open: Option<usize>,
    /// What the share stays within then.
    pub open_ms: Option<f64>,
}

/// Starts pools of this size with more and more connections open.
#[must_use]
pub fn start(runner: &Runner, size: usize) -> Start {
    let input = runner.input;
    let window = (10.0 * input.connect).max(20.0 * input.service.mean());
    let quantile = |open| quantile(runner, size, open, window);
    let open = least_that(0, size, |open| quantile(open) <= input.wait_ms);
    Start {
        connect_ms: input.connect * 1e3,
        window_ms: window * 1e3,
        cold_ms: quantile(0),
        open,
        open_ms: open.map(quantile),
    }
}

/// What the target's share of calls stays within, of many starts together.
fn quantile(runner: &Runner, size: usize, open: usize, window: f64) -> f64 {
    let input = runner.input;
    let calls = count(input.rate * window).max(10);
    let starts = (0..).take(runner.scale.repeats);
    let outcomes = starts.flat_map(|start| {
        let calls = steady(input.rate, &input.service, calls, SEED + start);
        runner.outcomes(Peer::Ours, size, open, &calls)
    });
    at(&ascending(&outcomes.collect::<Vec<_>>()), input.quantile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::clock::Clock;
    use crate::capacity::input::tests::exponential;
    use crate::capacity::runner::Scale;

    #[test]
    fn a_start_needs_connections_unless_opening_takes_no_time() {
        let slow = exponential(1_000.0, 8.0);
        let clock = Clock::virtual_for(8e-3);
        let start_of = |input| start(&Runner { input, clock, scale: Scale::TINY }, 16);
        let slow_start = start_of(&slow);
        // With none open the first callers wait for one to be opened: 20 ms.
        assert!((15.0..60.0).contains(&slow_start.cold_ms), "{slow_start:?}");
        assert!(slow_start.open.is_some_and(|open| open >= 8), "{slow_start:?}");
        assert!(slow_start.open_ms.is_some_and(|wait| wait <= 5.0), "{slow_start:?}");
        let quick = crate::capacity::input::Input { connect: 0.0, ..slow.clone() };
        assert_eq!(start_of(&quick).open, Some(0));
    }
}
