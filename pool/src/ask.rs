//! How a connection is asked for.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::gate::tags::Tag;
use crate::settings::millis;

/// Who goes first when several wait. Among equals, whoever came first. [`Ageing`] bounds for how long.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Before all others.
    High,
    /// The usual.
    #[default]
    Normal,
    /// After all others that come no more than [`Ageing::low`] later.
    Low,
}

/// For how long those who come later may still go first, so that a lower [`Priority`] is never starved.
///
/// Whoever waits is served in the order of the time of its coming plus the allowance of its priority, which is
/// zero for [`Priority::High`]. So **nobody who comes more than [`low`](Self::low) later goes before a caller
/// of low priority**, nor one of high priority who comes more than [`normal`](Self::normal) later before one
/// of normal priority, nor one of normal priority who comes more than `low - normal` later before one of low
/// priority. A caller waits for those who were before it and for those who come within its allowance, and for
/// no others, however many keep coming.
///
/// Costs nothing while all who wait are of one priority, and a comparison or two where they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ageing {
    /// By how much later a caller of high priority may come and still go before one of normal priority.
    /// Default: 1 s.
    #[serde(with = "millis")]
    pub normal: Duration,
    /// By how much later a caller of high priority may come and still go before one of low priority.
    /// Default: 10 s.
    #[serde(with = "millis")]
    pub low: Duration,
}

impl Default for Ageing {
    fn default() -> Self {
        Self { normal: Duration::from_secs(1), low: Duration::from_secs(10) }
    }
}

impl Ageing {
    /// The longest allowance: further sums would be beyond the clock's range.
    const MOST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    pub(crate) fn allowance(&self, priority: Priority) -> Duration {
        match priority {
            Priority::High => Duration::ZERO,
            Priority::Normal => self.normal,
            Priority::Low => self.low,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let Self { normal, low } = self;
        if normal > low {
            let problem = format!("{normal:?} is more than low, which is {low:?}");
            return Err(ConfigError::new("ageing.normal", problem));
        }
        if *low > Self::MOST {
            let problem =
                format!("{low:?} is more than a year; without ageing the order is strict");
            return Err(ConfigError::new("ageing.low", problem));
        }
        Ok(())
    }
}

/// How a connection is asked for, where [`acquire`](crate::Pool::acquire)'s defaults do not do.
///
/// What is not said is as the pool's [`Settings`](crate::Settings) have it. A [`Priority`] alone is one, too.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "sqlite")] {
/// use std::time::Duration;
///
/// use pool::{Ask, Config, ConnectionManager, Priority};
///
/// let config = Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(1);
/// let manager = ConnectionManager::connect(config).await?;
/// let ask = Ask::new().priority(Priority::High).within(Duration::from_millis(200));
/// let connection = manager.acquire_with(ask).await?;
/// # drop(connection);
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub(crate) priority: Priority,
    pub(crate) limit: Option<Duration>,
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) tag: Option<Tag>,
    /// Whether it takes no connection of a fallback.
    pub(crate) is_for_here: bool,
    /// Whether the span around it has begun.
    pub(crate) is_in_span: bool,
}

impl Ask {
    /// Asks as [`acquire`](crate::Pool::acquire) does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before or after others that wait.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// Waits no longer than this, instead of [`Settings::acquire_timeout`](crate::Settings::acquire_timeout).
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Asks in the name of a tenant. [`Pool::tenant`](crate::Pool::tenant) answers a handle that does so each
    /// time.
    #[must_use]
    pub fn tenant(self, name: impl Into<Arc<str>>) -> Self {
        Self { tenant: Some(name.into()), ..self }
    }

    /// What the connection is for. Its use is counted under that name ([`Stats::tags`](crate::Stats::tags)),
    /// which is shown with the holder.
    ///
    /// Costs a look-up, and allocates for the first of each tag only.
    #[must_use]
    pub fn tag(self, tag: impl Into<Tag>) -> Self {
        Self { tag: Some(tag.into()), ..self }
    }

    /// Takes no connection of a [`Fallback`](crate::Fallback): for what a replica cannot do.
    #[must_use]
    pub fn no_fallback(self) -> Self {
        Self { is_for_here: true, ..self }
    }
}

impl From<Priority> for Ask {
    fn from(priority: Priority) -> Self {
        Self::new().priority(priority)
    }
}
