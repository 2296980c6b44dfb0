//! A maximum that adapts: its bounds, and what was decided.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::settings::{Settings, millis};

/// Between which bounds the maximum moves, and by what it is told to.
///
/// What a pool needs shows by how long callers wait and how many connections are in use. Each
/// [`every`](Self::every) both are measured, and then
///
/// * the maximum **grows** by a quarter when callers waited longer than [`wait_target`](Self::wait_target) on
///   average, three times in a row;
/// * it goes **back** to what it was when after that they still wait, and half of what was added shows in how
///   long connections are held, but not in how many callers are served: then the database is at its limit, and
///   more connections only make each slower;
/// * it **shrinks** by up to a quarter when callers waited less than a quarter of the target, and fewer than
///   60 % were in use, ten times in a row.
///
/// Between the bounds for growing and shrinking it stays (a dead band). Under a steady load it comes to rest:
/// a maximum that was too small is remembered, and it does not shrink to that again before the use, smoothed
/// over some dozens of measurements, is a third less than it was since; nor does it grow again from one where
/// that did not help, before connections are held for a third less time than there. So as long as the load
/// changes by less than a third, it grows at most once from each size.
///
/// This is a plain controller with hysteresis. Those that follow a gradient of latency (as Vegas and its
/// successors do) need a latency without load to compare with; in front of a database, another mix of queries
/// would look like congestion.
///
/// ```
/// use pool::{Adaptive, Settings};
///
/// let adaptive = Some(Adaptive { min_max: 5, max_max: 50, ..Default::default() });
/// let settings = Settings { min: 5, max: 10, adaptive, ..Default::default() };
/// settings.validate().unwrap();
///
/// let wrong = Settings { max: 60, ..settings };
/// let problem = "max: 60 is not from adaptive.min_max to adaptive.max_max, which are 5 and 50";
/// assert_eq!(wrong.validate().unwrap_err().to_string(), problem);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adaptive {
    /// The least that the maximum becomes; no less than [`Settings::min`]. Default: 10.
    pub min_max: usize,
    /// The most that the maximum becomes. Statistics take 4 KB for each. Default: 40.
    pub max_max: usize,
    /// How often it is measured and decided. Default: 1 s. Much longer than connections are held, or what is
    /// measured says little.
    #[serde(with = "millis")]
    pub every: Duration,
    /// How long callers may wait on average before there are too few. Default: 5 ms.
    #[serde(with = "millis")]
    pub wait_target: Duration,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self {
            min_max: 10,
            max_max: 40,
            every: Duration::from_secs(1),
            wait_target: Duration::from_millis(5),
        }
    }
}

impl Adaptive {
    pub(crate) fn validate(&self, settings: &Settings) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: String| Err(ConfigError::new(field, problem));
        let Self { min_max, max_max, every, wait_target } = self;
        if *min_max == 0 {
            return wrong("adaptive.min_max", String::from("must be at least 1"));
        }
        if *min_max < settings.min {
            let problem = format!("{min_max} is less than min, which is {}", settings.min);
            return wrong("adaptive.min_max", problem);
        }
        if min_max > max_max {
            let problem = format!("{min_max} is more than adaptive.max_max, which is {max_max}");
            return wrong("adaptive.min_max", problem);
        }
        if !(*min_max..=*max_max).contains(&settings.max) {
            let problem = format!(
                "{} is not from adaptive.min_max to adaptive.max_max, which are {min_max} and {max_max}",
                settings.max
            );
            return wrong("max", problem);
        }
        let positive = [("adaptive.every", every), ("adaptive.wait_target", wait_target)];
        match positive.iter().find(|(_, time)| time.is_zero()) {
            Some((field, _)) => wrong(field, String::from("must be more than zero")),
            None => Ok(()),
        }
    }
}

/// What the maximum was changed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// Callers waited too long.
    Waits,
    /// More were open than are of use.
    Unused,
    /// It was raised before, and that did not help.
    Saturated,
}

impl Signal {
    /// The name that events and statistics use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Unused => "unused",
            Self::Saturated => "saturated",
        }
    }
}

/// A change of the maximum, and what was measured that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// How long there had been the pool, in nanoseconds.
    pub uptime_ns: u64,
    /// What the maximum was.
    pub from: usize,
    /// What it became.
    pub to: usize,
    /// What it was changed for.
    pub signal: Signal,
    /// How long callers waited on average, in nanoseconds.
    pub mean_wait_ns: u64,
    /// How long connections were held on average, in nanoseconds.
    pub mean_hold_ns: u64,
    /// How many connections were in use on average, in per cent of what the maximum was.
    pub use_percent: u64,
    /// How many callers were served since it was measured before.
    pub served: u64,
}

/// How the maximum is adapted. What it is now is [`Stats::max`](crate::Stats::max).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdaptiveStats {
    /// The least that it becomes.
    pub min_max: usize,
    /// The most that it becomes.
    pub max_max: usize,
    /// How often it was changed.
    pub changes: u64,
    /// The last change.
    pub last: Option<Decision>,
}

/// What was decided so far.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    pub(crate) changes: u64,
    pub(crate) last: Option<Decision>,
}
