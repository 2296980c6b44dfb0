//! What is read off the outcomes of a run.
//!
//! All waits are kept, in the order in which the calls came: errors and overtaking need that. So quantiles are
//! exact ones of a sorted copy, and `hdrhistogram` would have nothing to save.

use serde::Serialize;

use super::load::Outcome;
use crate::number::{count, float};

/// Into how many parts a run is cut to see how far its figures vary (batch means).
const BATCHES: usize = 20;

/// What 95 % of Student's distribution with 19 degrees of freedom lies within.
const STUDENT: f64 = 2.093;

/// What part of a run is left out at its beginning, while the queue fills: one of so many.
const WARM_UP: usize = 10;

/// Waits of a run, in milliseconds. An error is half of a 95 % confidence interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Calls that were counted.
    pub calls: usize,
    /// Calls served a second.
    pub throughput: f64,
    /// The mean of those that were served.
    pub mean_ms: f64,
    /// Its error.
    pub mean_error_ms: f64,
    /// What half of all calls stay within. A call that was refused counts as one that waits for ever; that and
    /// what cannot be told is `null` in JSON.
    pub p50_ms: f64,
    /// What 95 % stay within.
    pub p95_ms: f64,
    /// What 99 % stay within.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// What the target's share stays within.
    pub target_ms: f64,
    /// Its error.
    pub target_error_ms: f64,
    /// The share of calls that got no connection.
    pub refused: f64,
    /// The share of calls that waited while a later one was served.
    pub overtaken: f64,
    /// How much longer than asked connections were held on average: the error of the timers.
    pub late_ms: f64,
}

impl Figures {
    /// Reads them off a run, without its beginning.
    #[must_use]
    pub fn of_run(outcomes: &[Outcome], quantile: f64) -> Self {
        Self::of(settled(outcomes), quantile)
    }

    /// Reads them off all outcomes that count.
    #[must_use]
    pub fn of(outcomes: &[Outcome], quantile: f64) -> Self {
        let counted: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.counts).collect();
        let waits: Vec<f64> = counted.iter().map(|outcome| outcome.wait * 1e3).collect();
        let Some((first, last)) = counted.first().zip(counted.last()) else {
            return Self::default();
        };
        let served: Vec<f64> = waits.iter().copied().filter(|wait| wait.is_finite()).collect();
        let sorted = sorted(&waits);
        let late = counted.iter().map(|outcome| outcome.late * 1e3).sum::<f64>();
        Self {
            calls: waits.len(),
            throughput: float(served.len()) / (last.at - first.at),
            mean_ms: mean(&served),
            mean_error_ms: error(&served, mean),
            p50_ms: at(&sorted, 50.0),
            p95_ms: at(&sorted, 95.0),
            p99_ms: at(&sorted, 99.0),
            max_ms: at(&sorted, 100.0),
            target_ms: at(&sorted, quantile),
            target_error_ms: error(&waits, |batch| at(&self::sorted(batch), quantile)),
            refused: 1.0 - float(served.len()) / float(waits.len()),
            overtaken: overtaken(&counted),
            late_ms: late / float(served.len()),
        }
    }

    /// Whether the target holds, whatever the error: what may be chance is no pass.
    #[must_use]
    pub fn holds(&self, wait_ms: f64) -> bool {
        self.target_ms + self.target_error_ms <= wait_ms
    }
}

/// The outcomes of a run without its beginning.
#[must_use]
pub fn settled(outcomes: &[Outcome]) -> &[Outcome] {
    &outcomes[outcomes.len() / WARM_UP..]
}

/// The waits of calls that count, ascending, in milliseconds.
#[must_use]
pub fn ascending(outcomes: &[Outcome]) -> Vec<f64> {
    let counted = outcomes.iter().filter(|outcome| outcome.counts);
    sorted(&counted.map(|outcome| outcome.wait * 1e3).collect::<Vec<_>>())
}

fn sorted(waits: &[f64]) -> Vec<f64> {
    let mut sorted = waits.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The value of ascending ones that this per cent do not exceed (the nearest rank).
#[must_use]
pub fn at(ascending: &[f64], percent: f64) -> f64 {
    let rank = count((percent / 100.0 * float(ascending.len())).ceil()).max(1);
    ascending.get(rank.min(ascending.len()).saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

fn mean(waits: &[f64]) -> f64 {
    waits.iter().sum::<f64>() / float(waits.len())
}

/// Half of the 95 % confidence interval of a figure, from what it is in each part of the run.
fn error(waits: &[f64], figure: impl Fn(&[f64]) -> f64) -> f64 {
    let each = waits.len() / BATCHES;
    if each == 0 {
        return f64::INFINITY;
    }
    let parts: Vec<f64> = waits.chunks_exact(each).take(BATCHES).map(figure).collect();
    let middle = mean(&parts);
    let squares: f64 = parts.iter().map(|part| (part - middle).powi(2)).sum();
    let deviation = (squares / float(BATCHES - 1)).sqrt();
    let half = STUDENT * deviation / float(BATCHES).sqrt();
    if half.is_nan() { f64::INFINITY } else { half }
}

/// The share of calls that some later one was served before.
fn overtaken(outcomes: &[&Outcome]) -> f64 {
    let (mut earliest, mut count) = (f64::INFINITY, 0);
    for outcome in outcomes.iter().rev().filter(|outcome| outcome.wait.is_finite()) {
        let start = outcome.at + outcome.wait;
        // Two that were served at one moment differ by what floats leave.
        if earliest < start * (1.0 - 1e-12) {
            count += 1;
        }
        earliest = earliest.min(start);
    }
    float(count) / float(outcomes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(waits: &[f64]) -> Vec<Outcome> {
        let outcome = |(n, wait): (usize, &f64)| Outcome {
            at: float(n),
            wait: *wait,
            late: 0.0,
            counts: true,
        };
        waits.iter().enumerate().map(outcome).collect()
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let waits: Vec<f64> = (1..=100).map(float).collect();
        assert_eq!((at(&waits, 50.0), at(&waits, 99.0), at(&waits, 100.0)), (50.0, 99.0, 100.0));
        assert_eq!((at(&waits, 0.0), at(&waits, 99.5)), (1.0, 100.0));
        assert!(at(&[], 50.0).is_nan());
    }

    #[test]
    fn refused_calls_wait_for_ever() {
        let mut waits = vec![0.001; 98];
        waits.extend([f64::INFINITY; 2]);
        let figures = Figures::of(&of(&waits), 99.0);
        assert!((figures.refused - 0.02).abs() < 1e-12 && (figures.mean_ms - 1.0).abs() < 1e-9);
        assert_eq!((figures.p95_ms, figures.p99_ms), (1.0, f64::INFINITY));
        assert!(!figures.holds(1e9));
    }

    #[test]
    fn what_may_be_chance_is_no_pass() {
        let figures = Figures { target_ms: 4.0, target_error_ms: 0.9, ..Figures::default() };
        assert!(figures.holds(5.0) && !figures.holds(4.8));
    }

    #[test]
    fn overtaking_is_seen() {
        // The second is served at 5, after the third (2.5) and the fourth (3).
        let figures = Figures::of(&of(&[0.0, 4.0, 0.5, 0.0]), 99.0);
        assert_eq!(figures.overtaken, 0.25);
        assert_eq!(Figures::of(&of(&[3.0, 2.5, 2.0, 1.5]), 99.0).overtaken, 0.0);
    }

    /// Of a hundred runs of independent waits, the true mean lies within the error in about 95.
    #[test]
    fn errors_cover_the_truth_as_often_as_they_say() {
        use rand::RngExt;
        let mut rng = crate::keys::rng(5);
        let covered = (0..400).filter(|_| {
            let waits: Vec<f64> = (0..400).map(|_| rng.random::<f64>() / 1e3).collect();
            let figures = Figures::of(&of(&waits), 99.0);
            (figures.mean_ms - 0.5).abs() <= figures.mean_error_ms
        });
        let covered = covered.count();
        assert!((365..=395).contains(&covered), "{covered} of 400");
    }
}
