//! How far measurement and theory agree.

use serde::Serialize;

use super::figures::Figures;
use super::predict::{Prediction, predict};
use super::runner::{Peer, Runner};
use super::simulate::simulate;
use crate::markdown::figure;

/// How far apart, in per cent, a measured and a predicted mean may be.
pub const AGREE_PERCENT: f64 = 10.0;

/// At what utilisations it is looked at, in per cent.
pub const UTILISATIONS: [f64; 3] = [50.0, 80.0, 95.0];

/// What comparing a measured mean with a predicted one says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They are within 10 %, or as close as the clock can tell.
    Agrees,
    /// They are further apart, but within 10 % and the confidence interval: a longer run may say either.
    TooShort,
    /// They are further apart than that.
    Disagrees,
}

/// One utilisation.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// How busy connections are, in per cent.
    pub utilisation: f64,
    /// Of how many connections.
    pub size: usize,
    /// What is predicted from.
    pub model: &'static str,
    /// The mean wait that is predicted, in milliseconds.
    pub predicted_ms: f64,
    /// The mean wait that was measured.
    pub measured_ms: f64,
    /// Half of the 95 % confidence interval of how far apart the two are.
    pub error_ms: f64,
    /// By how many per cent it is above the prediction.
    pub apart_percent: f64,
    /// By how many per cent it is above that of a perfect queue under the very same calls: the pool's own part, in which
    /// there is no chance.
    pub pool_percent: f64,
    /// What all that says.
    pub verdict: Verdict,
}

impl Check {
    /// `tells` is what the clock can tell, in milliseconds.
    fn of(
        at: (f64, usize),
        predicted: &Prediction,
        ideal: &Figures,
        run: &Figures,
        tells: f64,
    ) -> Self {
        // Where nobody waits, nobody is expected to.
        let apart =
            |of: f64| if run.mean_ms == of { 0.0 } else { (run.mean_ms / of - 1.0) * 100.0 };
        let error_ms = run.mean_error_ms.hypot(predicted.mean_error_ms);
        let (off, may) =
            ((run.mean_ms - predicted.mean_ms).abs(), AGREE_PERCENT / 100.0 * predicted.mean_ms);
        Self {
            utilisation: at.0,
            size: at.1,
            model: predicted.model,
            predicted_ms: predicted.mean_ms,
            measured_ms: run.mean_ms,
            error_ms,
            apart_percent: apart(predicted.mean_ms),
            pool_percent: apart(ideal.mean_ms),
            verdict: match off {
                _ if off <= may.max(tells) => Verdict::Agrees,
                _ if off <= may + error_ms => Verdict::TooShort,
                _ => Verdict::Disagrees,
            },
        }
    }

    /// The verdict, in words.
    #[must_use]
    pub fn says(&self) -> String {
        let of = self.error_ms / self.predicted_ms.max(f64::MIN_POSITIVE) * 100.0;
        let verdict = match self.verdict {
            Verdict::Agrees => "agrees",
            Verdict::TooShort => "too short a run to tell",
            Verdict::Disagrees => "DOES NOT AGREE",
        };
        format!(
            "{verdict}: at {:.0} % utilisation the mean wait, {} ms, is {} % off {} (95 % confidence \u{b1}{} %), and \
             {} % off a perfect queue under the same calls",
            self.utilisation,
            figure(self.measured_ms),
            signed(self.apart_percent, 1),
            self.model,
            signed(of, 1).trim_start_matches('+'),
            signed(self.pool_percent, 2)
        )
    }
}

/// Per cent; of what is next to nothing they mean nothing.
fn signed(percent: f64, places: usize) -> String {
    if percent.abs() < 1e3 { format!("{percent:+.places$}") } else { "over 1000".into() }
}

/// Puts each utilisation on a pool of this size.
#[must_use]
pub fn checks(runner: &Runner, size: usize) -> Vec<Check> {
    let check = |utilisation: f64| {
        let rate = runner.input.rate_at(utilisation / 100.0, size);
        // Where theory is a simulation, it is to be no less exact than what it is compared with.
        let simulated = runner.scale.check_calls.max(runner.scale.simulated);
        let predicted = predict(runner.input, size, rate, simulated)?;
        let calls = runner.steady(rate / runner.input.rate, runner.scale.check_calls);
        let outcomes = runner.outcomes(Peer::Ours, size, size, &calls);
        let run = Figures::of_run(&outcomes, runner.input.quantile);
        let ideal = simulate(&calls, size, runner.input.callers());
        let ideal = Figures::of_run(&ideal, runner.input.quantile);
        let tells = runner.clock.resolution() * 1e3;
        Some(Check::of((utilisation, size), &predicted, &ideal, &run, tells))
    };
    UTILISATIONS.into_iter().filter_map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::clock::Clock;
    use crate::capacity::input::tests::exponential;
    use crate::capacity::runner::Scale;

    /// The promise is that the real pool's mean wait is within 10 % of Erlang C's. The mean of a run of a test's length is
    /// further off by chance, at 95 % utilisation, so it is held in two steps: the pool is within 1 % of a perfect
    /// queue under the same calls, and a perfect queue within 8 % of Erlang C in a run that is long enough.
    #[test]
    fn the_real_pool_agrees_with_erlang_c() {
        let input = exponential(1_000.0, 8.0);
        let scale = Scale { check_calls: 30_000, ..Scale::TINY };
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale };
        let checks = checks(&runner, 10);
        assert_eq!(checks.iter().map(|check| check.utilisation).collect::<Vec<_>>(), UTILISATIONS);
        for (check, calls) in checks.iter().zip([600_000, 600_000, 2_000_000]) {
            assert!(check.pool_percent.abs() < 1.0, "{}", check.says());
            assert_eq!(check.model, "Erlang C");
            let factor = check.utilisation / 80.0;
            let ideal = simulate(&runner.steady(factor, calls), 10, input.callers());
            let ideal = Figures::of_run(&ideal, 99.0).mean_ms;
            assert!((ideal / check.predicted_ms - 1.0).abs() < 0.08, "{ideal}: {check:?}");
        }
    }

    #[test]
    fn what_is_further_apart_is_said() {
        let predicted = predict(&exponential(1_000.0, 8.0), 10, 1_000.0, 0).unwrap();
        let run = |mean: f64, error: f64| Figures {
            mean_ms: mean * predicted.mean_ms,
            mean_error_ms: error * predicted.mean_ms,
            ..Figures::default()
        };
        let says = |measured: &Figures, tells: f64| {
            Check::of((80.0, 10), &predicted, &run(1.0, 0.0), measured, tells).says()
        };
        assert!(says(&run(1.09, 0.05), 0.0).starts_with("agrees: at 80 %"));
        assert!(says(&run(1.2, 0.05), 0.0).starts_with("DOES NOT AGREE: at 80 %"));
        // What the clock cannot tell is no disagreement, and neither is what may be chance.
        assert!(says(&run(1.2, 0.05), 0.21 * predicted.mean_ms).starts_with("agrees"));
        let says = says(&run(1.2, 0.11), 0.0);
        assert!(
            says.starts_with("too short a run to tell: at 80 %")
                && says.contains("+20.00 % off a perfect"),
            "{says}"
        );
    }
}
