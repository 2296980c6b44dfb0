//! What users may hang in before a connection is lent and after it came back: when each runs, and what it is
//! told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::ConfigError;
use crate::id::ConnectionId;
use crate::settings::millis;
use crate::shared::Live;
use crate::sync::{Count, Ordering};

/// What a hook is told about the connection.
///
/// The fields are what sqlx's `PoolConnectionMetadata` has, and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionMetadata {
    /// Its name, as events and statistics show it.
    pub id: ConnectionId,
    /// How long ago it was opened.
    pub age: Duration,
    /// For how long nobody has used it. Zero when it has just come back.
    pub idle_for: Duration,
    /// How many borrowers have given it back so far.
    pub uses: u64,
}

impl ConnectionMetadata {
    pub(crate) fn of<T>(live: &Live<T>, now: Instant) -> Self {
        Self {
            id: live.id,
            age: now.saturating_duration_since(live.opened),
            idle_for: now.saturating_duration_since(live.last_used),
            uses: live.uses,
        }
    }
}

/// Which of the hooks a [`Connector`](crate::Connector) has. The pool asks once, when it starts, and runs
/// no others.
///
/// | hook | runs | if it answers `false` | if it fails or is late |
/// |---|---|---|---|
/// | `before_acquire` | once right before each loan of a connection that was idle or in use before; after its check, if one was due; in a task, so that a borrower who gives up cancels none. What was prepared for one who has given up goes to the next who waits | the connection is closed in good order, and another one serves | it is dropped, and another one serves |
/// | `after_release` | once after each loan that ends by drop or [`release`](crate::Guard::release): after the cleaning, before the check on release. Not when the borrower closes or detaches the connection, nor when it cannot be cleaned or serves one borrower only | the connection is closed in good order | it is dropped |
///
/// A connection that was just opened goes to whoever waits without `before_acquire`, as on sqlx's pool: what
/// it needs is done when it is opened. So a hook that always refuses costs an acquire one run and one
/// connect, not one run for each idle connection; while connecting fails too, the caller's deadline holds.
///
/// With `before_acquire` no idle connection can be had at once: each acquire waits for a task, and
/// [`try_acquire`](crate::Pool::try_acquire) finds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookSet {
    /// Whether [`Connector::before_acquire`](crate::Connector::before_acquire) is to be run.
    pub before_acquire: bool,
    /// Whether [`Connector::after_release`](crate::Connector::after_release) is to be run.
    pub after_release: bool,
}

/// How long each hook may take. Serialized in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HookTimeouts {
    /// [`Config::before_connect`](crate::Config::before_connect). Default: 5 s. `connect_timeout` is over the
    /// whole of connecting, this hook and the next included.
    #[serde(with = "millis")]
    pub before_connect: Duration,
    /// [`Config::on_connect_sql`](crate::Config::on_connect_sql) and
    /// [`Config::after_connect`](crate::Config::after_connect), each. Default: 5 s.
    #[serde(with = "millis")]
    pub after_connect: Duration,
    /// [`Connector::before_acquire`](crate::Connector::before_acquire). Default: 1 s.
    #[serde(with = "millis")]
    pub before_acquire: Duration,
    /// [`Connector::after_release`](crate::Connector::after_release). Default: 1 s.
    #[serde(with = "millis")]
    pub after_release: Duration,
}

impl Default for HookTimeouts {
    fn default() -> Self {
        let (long, short) = (Duration::from_secs(5), Duration::from_secs(1));
        Self {
            before_connect: long,
            after_connect: long,
            before_acquire: short,
            after_release: short,
        }
    }
}

impl HookTimeouts {
    /// Checks that no limit is zero.
    ///
    /// # Errors
    /// Names the first that is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::unless_positive(&[
            ("hooks.before_connect", Some(self.before_connect)),
            ("hooks.after_connect", Some(self.after_connect)),
            ("hooks.before_acquire", Some(self.before_acquire)),
            ("hooks.after_release", Some(self.after_release)),
        ])
    }
}

/// How often a hook ran, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HookCounts {
    /// How often it ended, in whatever way.
    pub runs: u64,
    /// How often it answered that the connection is to be closed.
    pub refused: u64,
    /// How often it failed or took too long.
    pub failed: u64,
}

/// What the hooks did. All zero in a pool without hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HookStats {
    /// Before connecting. It refuses nothing: it answers how to connect.
    pub before_connect: HookCounts,
    /// After connecting: each statement and closure counts. They refuse nothing, but fail.
    pub after_connect: HookCounts,
    /// Before loans.
    pub before_acquire: HookCounts,
    /// After loans.
    pub after_release: HookCounts,
}

/// Counts the runs of a hook that the connector runs itself, outside of the core's lock.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    ended: Count,
    went_well: Count,
}

/// A run under way. It has failed unless it is said to have gone well: when it is cut short, too.
pub(crate) struct Run<'a>(&'a Runs);

impl Runs {
    pub(crate) fn begin(&self) -> Run<'_> {
        Run(self)
    }

    pub(crate) fn counts(&self) -> HookCounts {
        // Ordering: Relaxed, here and below; statistics. Read in this order, as they are written in the other.
        let runs = self.ended.load(Ordering::Relaxed);
        let well = self.went_well.load(Ordering::Relaxed);
        HookCounts { runs, refused: 0, failed: runs.saturating_sub(well) }
    }
}

impl Run<'_> {
    pub(crate) fn went_well(self) {
        self.0.went_well.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}
