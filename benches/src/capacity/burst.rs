//! Bursts: how many calls at one moment, on top of the steady load, does a size survive?

use serde::Serialize;

use super::figures::{ascending, at};
use super::load::{Call, steady};
use super::runner::{Peer, Runner, SEED};
use crate::keys::rng;
use crate::number::{count, float};

/// Bursts of more than so many calls a connection are not tried.
const MOST: usize = 64;

/// The largest burst that a size survives.
#[derive(Clone, Debug, Serialize)]
pub struct Burst {
    /// Calls at one moment, of which the target's share stays within the target's wait. 0: not even one.
    pub calls: usize,
    /// What that share stays within, in milliseconds; nothing if there is no such burst.
    pub wait_ms: Option<f64>,
    /// Whether a larger one might do, but was not tried.
    pub at_least: bool,
}

/// Finds it, by steps that double and then by halves.
#[must_use]
pub fn burst(runner: &Runner, size: usize) -> Burst {
    let holds = |calls: usize| quantile(runner, size, calls) <= runner.input.wait_ms;
    let most = size * MOST;
    let (mut low, mut high) = (0, 1);
    while high <= most && holds(high) {
        (low, high) = (high, high * 2);
    }
    let at_least = high > most;
    while !at_least && high - low > 1 {
        let middle = low.midpoint(high);
        if holds(middle) { low = middle } else { high = middle }
    }
    Burst { calls: low, wait_ms: (low > 0).then(|| quantile(runner, size, low)), at_least }
}

/// What the target's share of a burst's calls stays within, of many bursts of this size.
fn quantile(runner: &Runner, size: usize, calls: usize) -> f64 {
    let calls = with_bursts(runner, size, calls);
    at(&ascending(&runner.outcomes(Peer::Ours, size, size, &calls)), runner.input.quantile)
}

/// The steady load, and bursts so far apart that each finds the pool as if it were the first.
fn with_bursts(runner: &Runner, size: usize, burst: usize) -> Vec<Call> {
    let (input, repeats) = (runner.input, runner.scale.repeats);
    let mean = input.service.mean();
    let idle = (float(size) - input.offered()).max(0.05 * float(size));
    let apart = 3.0 * float(burst) * float(input.held) * mean / idle + 20.0 * mean;
    let steadily = count(input.rate * apart * float(repeats + 1));
    let mut all = steady(input.rate, &input.service, steadily, SEED);
    all.iter_mut().for_each(|call| call.counts = false);
    let mut holds = rng(SEED + 1);
    for n in 1..=repeats {
        let at = apart * float(n);
        let call = |_| Call { at, hold: input.service.draw(&mut holds), counts: true };
        all.extend((0..burst).map(call));
    }
    all.sort_by(|one, other| one.at.total_cmp(&other.at));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::clock::Clock;
    use crate::capacity::input::{Input, tests::exponential};
    use crate::capacity::runner::Scale;
    use crate::capacity::service::Service;

    #[test]
    fn an_idle_pool_survives_as_many_rounds_as_fit_into_the_target() {
        // 10 places, 8 ms each: with a wait of 20 ms three rounds begin in time, at 0, 8 and 16 ms.
        let service = Service::Constant(8e-3);
        let input = Input { service, wait_ms: 20.0, ..exponential(0.1, 8.0) };
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale: Scale::TINY };
        let burst = burst(&runner, 10);
        // 99 % of the calls: of 30 all, of 31 less.
        assert_eq!((burst.calls, burst.at_least), (30, false), "{burst:?}");
        assert!((burst.wait_ms.unwrap() - 16.0).abs() < 0.01, "{burst:?}");
    }

    #[test]
    fn no_burst_is_survived_by_a_full_pool() {
        let input = Input { wait_ms: 0.5, ..exponential(1_000.0, 8.0) };
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale: Scale::TINY };
        let burst = burst(&runner, 9);
        assert_eq!((burst.calls, burst.wait_ms), (0, None));
    }
}
