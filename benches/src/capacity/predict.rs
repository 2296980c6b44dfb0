//! What theory says of a size, beside what is measured.

use serde::Serialize;

use super::erlang::ErlangC;
use super::figures::Figures;
use super::input::Input;
use super::load::steady;
use super::service::Service;
use super::simulate::simulate;

/// The prediction's own arrivals: those of the measured runs would agree by themselves.
const SEED: u64 = 0x5EED;

/// Waits in milliseconds; infinite where calls are refused.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Prediction {
    /// What it is from.
    pub model: &'static str,
    /// The mean of those that are served.
    pub mean_ms: f64,
    /// Half of its 95 % confidence interval; 0 of a formula.
    pub mean_error_ms: f64,
    /// What half of all calls stay within.
    pub p50_ms: f64,
    /// What 95 % stay within.
    pub p95_ms: f64,
    /// What 99 % stay within.
    pub p99_ms: f64,
    /// What the target's share stays within.
    pub target_ms: f64,
}

/// Predicts the waits of one pool of this size at this rate: by Erlang's formula for exponential service, else
/// by a simulation of so many calls. `None`: the queue would grow for ever.
#[must_use]
pub fn predict(input: &Input, size: usize, rate: f64, calls: usize) -> Option<Prediction> {
    let mean = input.service.mean();
    if !input.is_stable(size, rate) {
        return None;
    }
    match (&input.service, input.concurrency) {
        (Service::Exponential(_), None) => {
            let queue = ErlangC::new(size, rate * mean, mean)?;
            let at = |percent| queue.quantile(percent) * 1e3;
            Some(Prediction {
                model: "Erlang C",
                mean_ms: queue.mean() * 1e3,
                mean_error_ms: 0.0,
                p50_ms: at(50.0),
                p95_ms: at(95.0),
                p99_ms: at(99.0),
                target_ms: at(input.quantile),
            })
        }
        _ => {
            let calls = steady(rate, &input.service, calls, SEED);
            let of = Figures::of_run(&simulate(&calls, size, input.callers()), input.quantile);
            Some(Prediction {
                model: "simulation",
                mean_ms: of.mean_ms,
                mean_error_ms: of.mean_error_ms,
                p50_ms: of.p50_ms,
                p95_ms: of.p95_ms,
                p99_ms: of.p99_ms,
                target_ms: of.target_ms,
            })
        }
    }
}

/// The least size from `least` on that is predicted to hold the target, up to `most`. None below the deadlock floor
/// does.
#[must_use]
pub fn size_for(
    input: &Input,
    rate: f64,
    least: usize,
    most: usize,
    calls: usize,
) -> Option<usize> {
    let holds = |size| {
        size >= input.floor()
            && predict(input, size, rate, calls).is_some_and(|at| at.target_ms <= input.wait_ms)
    };
    least_that(least, most, holds)
}

/// The least count from `least` to `most` of which something holds that holds of all larger ones.
pub fn least_that(
    least: usize,
    most: usize,
    mut holds: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let (mut low, mut step) = (least, 1);
    // By steps that double, since what is looked for is close to the least.
    let mut high = least;
    while !holds(high) {
        if high >= most {
            return None;
        }
        low = high + 1;
        high = high.saturating_add(step).min(most);
        step *= 2;
    }
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::input::tests::exponential;

    #[test]
    fn the_least_is_found_wherever_it_is() {
        for right in 3..40 {
            assert_eq!(least_that(3, 40, |n| n >= right), Some(right));
        }
        assert_eq!(least_that(3, 40, |_| false), None);
        assert_eq!(least_that(1, 1, |_| true), Some(1));
    }

    #[test]
    fn the_simulation_agrees_with_erlang() {
        let input = exponential(1_000.0, 8.0);
        let by_formula = predict(&input, 10, 1_000.0, 0).unwrap();
        let samples: Vec<f64> = (0..10_000)
            .map(|n| -8e-3 * (1.0 - (crate::number::float(n) + 0.5) / 1e4).ln())
            .collect();
        let service = Service::Samples { source: "a test".into(), times: samples };
        let input = Input { service, ..input };
        let by_simulation = predict(&input, 10, 1_000.0, 400_000).unwrap();
        assert_eq!((by_formula.model, by_simulation.model), ("Erlang C", "simulation"));
        for (one, other) in [
            (by_formula.mean_ms, by_simulation.mean_ms),
            (by_formula.p95_ms, by_simulation.p95_ms),
            (by_formula.p99_ms, by_simulation.p99_ms),
        ] {
            assert!((one / other - 1.0).abs() < 0.1, "{one} and {other}");
        }
    }

    #[test]
    fn too_much_load_is_not_predicted_unless_callers_are_limited() {
        let input = exponential(1_000.0, 8.0);
        assert!(predict(&input, 8, 1_000.0, 1_000).is_none());
        let limited = Input { concurrency: Some(20), ..input };
        assert!(predict(&limited, 4, 1_000.0, 10_000).unwrap().p99_ms.is_infinite());
    }
}
