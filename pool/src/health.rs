//! When connections are checked beside the check before a loan: when they come back, and now and then.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::connector::Connector;
use crate::error::ConfigError;
use crate::seat::Seat;
use crate::settings::millis;
use crate::shared::{Item, Shared};

/// When connections are checked, beside the check of [`Settings::check_after`](crate::Settings::check_after)
/// before a loan. Serialized durations are in milliseconds.
///
/// What failing checks cost is bounded. Each ends by [`Settings::check_timeout`](crate::Settings::check_timeout).
/// An acquire pays for one failed check at most: then all other idle connections are checked at once, beside
/// each other, and a new one is opened for it; whichever is there first serves it. So when the way to the
/// server swallows what idle connections send, a caller waits for one time limit and one connect, however many
/// connections are dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// Whether a connection is checked when it comes back, before anybody else has it. Costs a task and a
    /// round trip for each loan, which nobody waits for while others are idle. Default: `false`.
    pub on_release: bool,
    /// Idle connections are checked in the background when they were neither used nor checked for this long.
    /// The maintenance does it, so it is as exact as
    /// [`Settings::maintenance_every`](crate::Settings::maintenance_every). Default: `None`, never.
    #[serde(with = "millis::option")]
    pub idle_every: Option<Duration>,
    /// In the background, one in so many of the idle connections is checked at a time (one at least), and
    /// the last idle one never is. Default: 4.
    pub idle_share: usize,
}

impl Default for Health {
    fn default() -> Self {
        Self { on_release: false, idle_every: None, idle_share: 4 }
    }
}

impl Health {
    /// Checks that the settings make sense.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.idle_share == 0 {
            return Err(ConfigError::new("health.idle_share", "must be at least 1"));
        }
        ConfigError::unless_positive(&[("health.idle_every", self.idle_every)])
    }
}

/// How many checks ended, in whatever way, by what they were for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HealthStats {
    /// Before a loan.
    pub on_acquire: u64,
    /// After one.
    pub on_release: u64,
    /// Of idle connections for which nobody waited.
    pub in_background: u64,
}

/// What a check is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Acquire,
    Release,
    Background,
}

impl HealthStats {
    pub(crate) fn count(&mut self, purpose: Purpose) {
        let counter = match purpose {
            Purpose::Acquire => &mut self.on_acquire,
            Purpose::Release => &mut self.on_release,
            Purpose::Background => &mut self.in_background,
        };
        *counter += 1;
    }
}

impl<C: Connector> Shared<C> {
    /// Checks those idle connections that nothing was known of for too long, some at a time.
    pub(crate) async fn inspect_due(self: &Arc<Self>) {
        let Some(every) = self.settings.health.idle_every else { return };
        let now = Instant::now();
        let is_due = |live: &Item<C>| live.last_well + every <= now;
        let rows = self.core.rows(is_due);
        let idle = rows.iter().filter(|row| row.idle.is_some()).count();
        let due: Vec<_> =
            rows.iter().filter(|row| row.idle == Some(true)).map(|row| row.slot).collect();
        for slots in due.chunks((idle / self.settings.health.idle_share).max(1)) {
            // It may have been borrowed meanwhile.
            let chosen = slots.iter().filter_map(|slot| self.core.inspect_idle(*slot, 1, is_due));
            let tasks: Vec<_> = chosen
                .map(|lease| self.runtime.spawn(Seat::taken(self, lease).inspect()))
                .collect();
            for task in tasks {
                // How it went is told by its event.
                let _ = task.await;
            }
        }
    }

    /// Checks all idle connections at once, since one was found dead and a caller has paid for it.
    pub(crate) fn inspect_suspects(self: &Arc<Self>) {
        let now = Instant::now();
        let is_suspect = |live: &Item<C>| !self.is_proven(live, now);
        for row in self.core.rows(is_suspect) {
            if let Some(lease) = self.core.inspect_idle(row.slot, 0, is_suspect) {
                self.runtime.spawn(Seat::taken(self, lease).inspect());
            }
        }
    }
}
