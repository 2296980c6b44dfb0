//! What more load does, and less.

use serde::Serialize;

use super::figures::Figures;
use super::predict::{predict, size_for};
use super::runner::{Peer, Runner};

/// The loads that are tried, in parts of the one asked for.
pub const FACTORS: [f64; 6] = [0.8, 1.0, 1.1, 1.2, 1.5, 2.0];

/// One load.
#[derive(Clone, Debug, Serialize)]
pub struct Load {
    /// How many times the load asked for.
    pub factor: f64,
    /// How busy connections are, in per cent.
    pub utilisation: f64,
    /// What was measured; nothing where the queue would grow for ever.
    pub measured: Option<Figures>,
    /// Whether the target holds.
    pub holds: bool,
    /// The size that would hold the target, as predicted.
    pub size: Option<usize>,
}

/// Puts each load on a pool of this size.
#[must_use]
pub fn loads(runner: &Runner, size: usize) -> Vec<Load> {
    let input = runner.input;
    let load = |factor: f64| {
        let rate = input.rate * factor;
        let stable = input.is_stable(size, rate);
        let measured = stable.then(|| runner.figures(Peer::Ours, size, factor));
        Load {
            factor,
            utilisation: input.utilisation(size) * factor * 100.0,
            holds: measured.as_ref().is_some_and(|run| run.holds(input.wait_ms)),
            measured,
            size: size_for(input, rate, input.floor(), size * 8 + 64, runner.scale.simulated),
        }
    };
    FACTORS.into_iter().map(load).collect()
}

/// The most load, in parts of the one asked for, at which this size is predicted to hold the target. 0: none.
#[must_use]
pub fn headroom(runner: &Runner, size: usize) -> f64 {
    let input = runner.input;
    let holds = |factor: f64| {
        predict(input, size, input.rate * factor, runner.scale.simulated)
            .is_some_and(|at| at.target_ms <= input.wait_ms)
    };
    let (mut low, mut high) = (0.0, 1.0);
    while holds(high) && high < 64.0 {
        (low, high) = (high, high * 2.0);
    }
    while high - low > 0.005 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::clock::Clock;
    use crate::capacity::input::tests::exponential;
    use crate::capacity::runner::Scale;

    #[test]
    fn headroom_ends_where_the_prediction_does() {
        let input = exponential(1_000.0, 8.0);
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale: Scale::TINY };
        let most = headroom(&runner, 14);
        let p99 = |factor: f64| predict(&input, 14, 1e3 * factor, 0).unwrap().p99_ms;
        assert!(p99(most) <= 5.0 && p99(most + 0.01) > 5.0, "{most}");
    }

    #[test]
    fn overload_is_not_run() {
        let input = exponential(1_000.0, 8.0);
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale: Scale::TINY };
        let loads = loads(&runner, 14);
        let [.., double] = &loads[..] else { panic!("there are loads") };
        assert!(double.measured.is_none() && !double.holds);
        assert!(double.size.is_some_and(|size| size > 20), "{double:?}");
    }
}
