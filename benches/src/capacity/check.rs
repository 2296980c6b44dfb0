//! How far measurement and theory agree.

use serde::Serialize;

use super::figures::Figures;
use super::predict::predict;
use super::runner::{Peer, Runner};
use crate::number::float;

/// How far apart, in per cent, a measured and a predicted mean may be.
pub const AGREE_PERCENT: f64 = 10.0;

/// At what utilisations it is looked at, in per cent.
pub const UTILISATIONS: [f64; 3] = [50.0, 80.0, 95.0];

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
    /// Half of its 95 % confidence interval.
    pub error_ms: f64,
    /// By how many per cent it is above the prediction.
    pub apart_percent: f64,
    /// Whether that is within 10 %.
    pub agrees: bool,
}

impl Check {
    fn of(
        utilisation: f64,
        size: usize,
        model: &'static str,
        predicted: f64,
        run: &Figures,
    ) -> Self {
        let apart_percent = (run.mean_ms / predicted - 1.0) * 100.0;
        Self {
            utilisation,
            size,
            model,
            predicted_ms: predicted,
            measured_ms: run.mean_ms,
            error_ms: run.mean_error_ms,
            apart_percent,
            agrees: apart_percent.abs() <= AGREE_PERCENT,
        }
    }

    /// The verdict, in words.
    #[must_use]
    pub fn says(&self) -> String {
        let of = self.error_ms / self.predicted_ms * 100.0;
        let verdict = match (self.agrees, self.apart_percent.abs() <= of) {
            (true, _) => "agrees",
            (false, true) => "DOES NOT AGREE, but the run is too short to tell",
            (false, false) => "DOES NOT AGREE",
        };
        format!(
            "{verdict}: at {:.0} % utilisation the mean wait is {:+.1} % off {} (95 % confidence \u{b1}{of:.1} %)",
            self.utilisation, self.apart_percent, self.model
        )
    }
}

/// Puts each utilisation on a pool of this size.
#[must_use]
pub fn checks(runner: &Runner, size: usize) -> Vec<Check> {
    let check = |utilisation: f64| {
        let rate = utilisation / 100.0 * float(size) / runner.input.service.mean();
        let predicted = predict(runner.input, size, rate, runner.scale.simulated)?;
        let calls = runner.steady(rate / runner.input.rate, runner.scale.check_calls);
        let outcomes = runner.outcomes(Peer::Ours, size, size, &calls);
        let run = Figures::of_run(&outcomes, runner.input.quantile);
        Some(Check::of(utilisation, size, predicted.model, predicted.mean_ms, &run))
    };
    UTILISATIONS.into_iter().filter_map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::clock::Clock;
    use crate::capacity::input::tests::exponential;
    use crate::capacity::runner::Scale;

    /// The promise: the real pool's mean wait is within 10 % of Erlang C's.
    #[test]
    fn the_real_pool_agrees_with_erlang_c() {
        let input = exponential(1_000.0, 8.0);
        let scale = Scale { check_calls: 250_000, ..Scale::TINY };
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale };
        let checks = checks(&runner, 10);
        assert_eq!(checks.iter().map(|check| check.utilisation).collect::<Vec<_>>(), UTILISATIONS);
        for check in checks {
            assert!(check.agrees && check.model == "Erlang C", "{}", check.says());
        }
    }

    #[test]
    fn what_is_further_apart_is_said() {
        let run = Figures { mean_ms: 1.2, mean_error_ms: 0.05, ..Figures::default() };
        let check = Check::of(80.0, 10, "Erlang C", 1.0, &run);
        assert!(!check.agrees);
        assert!(check.says().starts_with("DOES NOT AGREE: at 80 %"), "{}", check.says());
        let run = Figures { mean_error_ms: 0.5, ..run };
        let check = Check::of(80.0, 10, "Erlang C", 1.0, &run);
        assert!(check.says().contains("too short to tell"), "{}", check.says());
    }
}
