//! How a connection is asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::gate::tags::Tag;

/// Who goes first when several wait. Among equals, whoever came first.
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
    /// After all others. May wait for ever while others keep coming.
    Low,
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
    pub(crate) tag: Option<Tag>,
    /// Whether it takes no connection of a fallback.
    pub(crate) is_for_here: bool,
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
