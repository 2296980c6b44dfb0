//! A plan: what was found, and what it says.

use serde::Serialize;

use super::burst::Burst;
use super::check::Check;
use super::deadlock::Deadlock;
use super::figures::Figures;
use super::knee::Knee;
use super::predict::Prediction;
use super::sensitivity::Load;
use super::start::Start;

/// A plan.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it was made.
    pub date: String,
    /// On what.
    pub machine: String,
    /// By which command.
    pub command: String,
    /// By which clock, and what error that has.
    pub clock: String,
    /// How much longer than asked connections were held, in per cent of the mean service time.
    pub late_percent: f64,
    /// What it is for.
    pub asked: Asked,
    /// The recommendation, in one sentence.
    pub recommendation: String,
    /// The size that is recommended; nothing where no size holds the target.
    pub size: Option<usize>,
    /// What else one should know, a sentence each.
    pub notes: Vec<String>,
    /// Sizes at the load asked for.
    pub rows: Vec<Row>,
    /// How far measurement and theory agree.
    pub checks: Vec<Check>,
    /// Other loads at the recommended size.
    pub loads: Vec<Load>,
    /// The most load at which the recommended size holds the target, in parts of the one asked for, as predicted.
    pub headroom: f64,
    /// The start.
    pub start: Start,
    /// The largest burst.
    pub burst: Burst,
    /// What happens at the deadlock floor and below, where callers hold several connections.
    pub deadlock: Option<Deadlock>,
    /// The server's connections.
    pub split: Vec<Split>,
    /// Throughput against concurrency.
    pub knee: Knee,
    /// What the knee is of.
    pub knee_of: String,
    /// Ours and its peers.
    pub peers: Vec<PeerPlan>,
    /// How waits are shared out.
    pub curves: Vec<Curve>,
    /// The size that is configured, if there is one, and whether it holds the target.
    pub configured: Option<Configured>,
}

/// What a plan is for.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// Calls a second at an instance.
    pub rate: f64,
    /// Instances.
    pub instances: usize,
    /// How long connections are held.
    pub service: String,
    /// The mean of that, in milliseconds.
    pub service_mean_ms: f64,
    /// Connections that are busy on average.
    pub offered: f64,
    /// Calls in flight at most.
    pub concurrency: Option<usize>,
    /// Connections that a call holds.
    pub held: usize,
    /// So many per cent of the calls
    pub quantile: f64,
    /// are to wait no longer than this.
    pub wait_ms: f64,
}

impl Asked {
    /// The target's quantile, as a column is called.
    #[must_use]
    pub fn target(&self) -> String {
        format!("p{}", self.quantile)
    }
}

/// A size.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Connections.
    pub size: usize,
    /// Why it is in the table.
    pub is: Vec<&'static str>,
    /// How busy connections are, in per cent.
    pub utilisation: f64,
    /// What was measured; nothing where the queue would grow for ever.
    pub measured: Option<Figures>,
    /// What is predicted.
    pub predicted: Option<Prediction>,
    /// Whether the target holds.
    pub holds: bool,
}

/// The server's connections, split over so many instances.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Split {
    /// Instances.
    pub instances: usize,
    /// What each gets.
    pub each: usize,
    /// What is left over.
    pub left: usize,
    /// Whether the recommended size fits.
    pub fits: bool,
}

/// A pool under the same load.
#[derive(Clone, Debug, Serialize)]
pub struct PeerPlan {
    /// Its name.
    pub pool: &'static str,
    /// The least size at which it holds the target; nothing if none was found.
    pub size: Option<usize>,
    /// Its figures at the size that is recommended for ours.
    pub measured: Figures,
}

/// The waits of a pool, by the share of calls that wait longer.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Whose.
    pub of: String,
    /// The share of calls, in per cent, and what these stay within, in milliseconds.
    pub points: Vec<(f64, f64)>,
}

/// The size that is configured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Configured {
    /// Connections.
    pub size: usize,
    /// Whether the target holds.
    pub holds: bool,
    /// What the target's share of calls stays within, in milliseconds.
    pub target_ms: f64,
}
