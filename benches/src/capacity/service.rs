//! How long a caller holds its connection.

use rand::RngExt;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp1, LogNormal};

use crate::markdown::figure;
use crate::number::float;

/// A distribution of service times, in seconds.
#[derive(Clone, Debug)]
pub enum Service {
    /// Always the same.
    Constant(f64),
    /// Exponential, of this mean.
    Exponential(f64),
    /// Lognormal, of this mean and coefficient of variation.
    LogNormal {
        /// The mean.
        mean: f64,
        /// The standard deviation divided by the mean.
        cv: f64,
        /// What is drawn from.
        draws: LogNormal<f64>,
    },
    /// Recorded or measured ones, drawn with replacement: what one says of the next is lost.
    Samples {
        /// Where they are from.
        source: String,
        /// The times. There is at least one, and one above zero.
        times: Vec<f64>,
    },
}

impl Service {
    /// The mean, in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Constant(mean) | Self::Exponential(mean) | Self::LogNormal { mean, .. } => *mean,
            Self::Samples { times, .. } => times.iter().sum::<f64>() / float(times.len()),
        }
    }

    /// One service time, in seconds.
    pub fn draw(&self, rng: &mut SmallRng) -> f64 {
        match self {
            Self::Constant(time) => *time,
            Self::Exponential(mean) => mean * rng.sample::<f64, _>(Exp1),
            Self::LogNormal { draws, .. } => draws.sample(rng),
            Self::Samples { times, .. } => times[rng.random_range(0..times.len())],
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let mean = figure(self.mean() * 1e3);
        match self {
            Self::Constant(_) => format!("constant, {mean} ms"),
            Self::Exponential(_) => format!("exponential, mean {mean} ms"),
            Self::LogNormal { cv, .. } => {
                format!("lognormal, mean {mean} ms, coefficient of variation {cv}")
            }
            Self::Samples { source, times } => {
                format!("{} times of {source}, mean {mean} ms", times.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::rng;

    fn mean_and_cv(service: &Service) -> (f64, f64) {
        let mut rng = rng(1);
        let times: Vec<f64> = (0..200_000).map(|_| service.draw(&mut rng)).collect();
        let mean = times.iter().sum::<f64>() / 2e5;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / 2e5;
        (mean, variance.sqrt() / mean)
    }

    #[test]
    fn draws_have_the_mean_and_spread_that_were_asked_for() {
        let draws = LogNormal::from_mean_cv(8.0, 2.0).unwrap();
        let samples = Service::Samples { source: "a test".into(), times: vec![1.0, 3.0, 3.0, 1.0] };
        for (service, cv) in [
            (Service::Constant(8.0), 0.0),
            (Service::Exponential(8.0), 1.0),
            (Service::LogNormal { mean: 8.0, cv: 2.0, draws }, 2.0),
            (samples, 0.5),
        ] {
            let (drawn, spread) = mean_and_cv(&service);
            assert!((drawn / service.mean() - 1.0).abs() < 0.03, "{service:?}: {drawn}");
            assert!((spread - cv).abs() < 0.1, "{service:?}: {spread}");
        }
    }
}
