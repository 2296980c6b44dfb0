//! What a pool says about itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adaptive::AdaptiveStats;
use crate::gate::circuit::BreakerStats;
use crate::gate::leaks::LeakStats;
#[cfg(feature = "rate-limit")]
use crate::gate::limits::LimitStats;
use crate::gate::relief::DegradationStats;
use crate::gate::tags::TagStats;
use crate::health::HealthStats;
use crate::histogram::Times;
use crate::hooks::HookStats;
use crate::id::ConnectionId;
use crate::reason::Reason;
use crate::warm::WarmStats;

/// Who has a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Holder {
    /// Which connection.
    pub id: ConnectionId,
    /// The place in the source that acquired it, `file:line:column`. For a query that runs on a manager itself,
    /// a place in this crate: sqlx does not tell who called it.
    pub by: String,
    /// What it is for, if it was asked for with a [`Tag`](crate::Tag).
    #[serde(default)]
    pub tag: Option<String>,
    /// The id of the tokio task that acquired it, if it was one and [`Leaks`](crate::Leaks) are looked for.
    #[serde(default)]
    pub task: Option<String>,
    /// For how long, in nanoseconds.
    pub held_ns: u64,
    /// In whose name it was acquired, if in one's.
    #[serde(default)]
    pub tenant: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = Duration::from_nanos(self.held_ns);
        write!(f, "{} by {}", self.id, self.by)?;
        if let Some(tag) = &self.tag {
            write!(f, " ({tag})")?;
        }
        write!(f, " for {held:?}")
    }
}

/// How a tenant stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantStats {
    /// Its name.
    pub name: String,
    /// Whether its limits were set, so that it is not forgotten when it is idle.
    pub is_named: bool,
    /// How many connections it may have at once; none if as many as there are.
    pub max: Option<usize>,
    /// How many connections it is guaranteed.
    pub guaranteed: usize,
    /// How much it gets beside others.
    pub weight: u32,
    /// How many connections it has.
    pub in_use: usize,
    /// How many of its callers wait.
    pub waiting: usize,
    /// How many of its callers got a connection so far.
    pub served: u64,
    /// How many of its callers waited and got none: too late, or connecting failed, or the pool was closed.
    pub refused: u64,
    /// How many of its callers dropped their future while they waited.
    pub given_up: u64,
    /// How long its callers waited who got a connection.
    pub wait: Times,
}

/// One connection that is there, comes or goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// Its place, from 0. Lower places are used first.
    pub slot: usize,
    /// Which connection; none while it is being opened.
    pub id: Option<ConnectionId>,
    /// `connecting`, `idle`, `in use`, `checking` or `closing`.
    pub state: String,
    /// Who holds it, when it is in use.
    pub holder: Option<Holder>,
}

/// What a pool says about itself.
///
/// The counts and the rows are those of one moment, so they agree with each other, except that a row that just
/// changes may have no id. The times and the last error are read after it, the times without stopping anybody:
/// whoever had got a connection before is in [`wait`](Self::wait), and whoever had given one back in
/// [`used`](Self::used); of those who do so meanwhile, some are. In each of the two, `count` and the quantiles
/// agree.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// The pool's name.
    pub name: String,
    /// How long there has been this pool, in nanoseconds.
    pub uptime_ns: u64,
    /// How many connections are kept.
    pub min: usize,
    /// How many there may be.
    pub max: usize,
    /// How many are there, counting those that are being opened or closed.
    pub open: usize,
    /// How many are idle.
    pub idle: usize,
    /// How many are lent.
    pub in_use: usize,
    /// How many are being opened.
    pub connecting: usize,
    /// How many are being checked.
    pub checking: usize,
    /// How many callers wait.
    pub waiting: usize,
    /// How many connections were opened so far.
    pub created: u64,
    /// How many were closed so far, by reason. All reasons are listed.
    pub closed: BTreeMap<Reason, u64>,
    /// How many attempts to connect have failed.
    pub connect_errors: u64,
    /// How many health checks have failed.
    pub check_errors: u64,
    /// How many callers got no connection in time.
    pub timeouts: u64,
    /// How many callers stopped waiting by themselves.
    pub given_up: u64,
    /// How long callers waited who got a connection.
    pub wait: Times,
    /// How long opening took.
    pub create: Times,
    /// How long connections were held.
    pub used: Times,
    /// What the last attempt to connect met, unless one has succeeded since.
    pub last_connect_error: Option<String>,
    /// The tenants that are known, by name.
    #[serde(default)]
    pub tenants: Vec<TenantStats>,
    /// How the maximum is adapted, if it is.
    #[serde(default)]
    pub adaptive: Option<AdaptiveStats>,
    /// The connections, lowest place first.
    pub connections: Vec<Row>,
    /// What was counted by tag, in the order of their names; [`Tag::OTHER`](crate::Tag::OTHER) last.
    #[serde(default)]
    pub tags: Vec<TagStats>,
    /// What is known of leaks, if they are looked for.
    #[serde(default)]
    pub leaks: Option<LeakStats>,
    /// What the rate limits have done: that of the pool, then those of tags, then those of tenants.
    #[cfg(feature = "rate-limit")]
    #[serde(default)]
    pub rate_limits: Vec<LimitStats>,
    /// Where the circuit is, if there is one.
    #[serde(default)]
    pub breaker: Option<BreakerStats>,
    /// What degradation has done, if there is any.
    #[serde(default)]
    pub degradation: Option<DegradationStats>,
    /// How many checks there were, by what they were for.
    pub health: HealthStats,
    /// What the hooks did.
    pub hooks: HookStats,
    /// What was opened ahead of load.
    pub warm: WarmStats,
    /// What was injected on purpose, if anything is to be.
    #[cfg(feature = "fault-injection")]
    #[serde(default)]
    pub faults: Option<crate::faults::FaultStats>,
    /// Whether the pool is closed.
    pub is_closed: bool,
}

impl Stats {
    /// How many connections were closed so far, for whatever reason.
    ///
    /// Detached ones are counted too: they have left the pool.
    pub fn closed_total(&self) -> u64 {
        self.closed.values().sum()
    }
}
