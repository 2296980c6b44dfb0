//! Connections that are opened ahead of load: at the start, when told to, and by a schedule.

use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::connector::Connector;
use crate::error::{ConfigError, Error};
use crate::event::event;
use crate::pool::Pool;
use crate::settings::millis;
use crate::shared::Shared;
use crate::sync::Mutex;

/// How many connections are opened ahead of load. Serialized durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Warm {
    /// How many connections there are after the start, if that is more than the minimum. Default: 0.
    pub at_start: usize,
    /// How long what a warm-up asked for is kept as if it were the minimum: spared by the idle shrink, and
    /// opened again when it is closed. Default: 5 min.
    #[serde(with = "millis")]
    pub keep: Duration,
}

impl Default for Warm {
    fn default() -> Self {
        Self { at_start: 0, keep: Duration::from_secs(5 * 60) }
    }
}

impl Warm {
    /// Checks that the settings make sense in a pool of so many connections.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self, max: usize) -> Result<(), ConfigError> {
        no_more_than(max, "warm.at_start", self.at_start)?;
        ConfigError::unless_positive(&[("warm.keep", Some(self.keep))])
    }
}

fn no_more_than(max: usize, what: &str, wanted: usize) -> Result<(), ConfigError> {
    if wanted > max {
        let problem = format!("{wanted} is more than max, which is {max}");
        return Err(ConfigError::new(what, problem));
    }
    Ok(())
}

/// One entry of a schedule: how many connections there are to be, from when, and for how long at least.
///
/// ```
/// use std::time::Duration;
///
/// use pool::WarmUp;
///
/// // Sixteen connections in an hour, kept for two.
/// let next = WarmUp::after(Duration::from_secs(3600), 16).keep(Duration::from_secs(7200));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp {
    at: Instant,
    connections: usize,
    keep: Option<Duration>,
}

impl WarmUp {
    /// So many connections at this time. A time that is over means now.
    pub fn at(at: Instant, connections: usize) -> Self {
        Self { at, connections, keep: None }
    }

    /// So many connections, this long from now.
    ///
    /// # Panics
    /// When that is beyond the clock's range.
    pub fn after(pause: Duration, connections: usize) -> Self {
        Self::at(Instant::now() + pause, connections)
    }

    /// Keeps them for this long, instead of [`Warm::keep`].
    #[must_use]
    pub fn keep(self, keep: Duration) -> Self {
        Self { keep: Some(keep), ..self }
    }
}

/// What was opened ahead of load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WarmStats {
    /// How many connections warm-ups have opened.
    pub opened: u64,
    /// How many connections are kept now because of warm-ups. 0: the minimum alone holds.
    pub kept: usize,
}

/// What warm-ups have asked for and is still to be kept.
#[derive(Default)]
pub(crate) struct Warmth(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    opened: u64,
    /// How many, and until when.
    kept: Vec<(usize, Instant)>,
}

impl Warmth {
    fn keep(&self, connections: usize, until: Instant) {
        self.0.lock().kept.push((connections, until));
    }

    fn count(&self, opened: usize) {
        self.0.lock().opened += u64::try_from(opened).unwrap_or(0);
    }

    /// How many connections warm-ups want to be there now.
    fn kept(&self, now: Instant) -> usize {
        let kept = &mut self.0.lock().kept;
        kept.retain(|(_, until)| now < *until);
        kept.iter().map(|(connections, _)| *connections).max().unwrap_or(0)
    }

    pub(crate) fn stats(&self, now: Instant) -> WarmStats {
        let kept = self.kept(now);
        WarmStats { opened: self.0.lock().opened, kept }
    }
}

impl<C: Connector> Pool<C> {
    /// Sees to it, ahead of load, that there are so many connections, and keeps them for
    /// [`Warm::keep`](crate::Warm::keep). Answers how many were opened: those that are there already count,
    /// borrowed or not.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(8);
    /// # let manager = pool::ConnectionManager::connect(config).await?;
    /// assert_eq!(manager.warm_up(6).await?, 5);
    /// assert_eq!(manager.stats().idle, 6);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// Cancel-safe: what has begun is carried on by tasks.
    ///
    /// # Errors
    /// [`Error::Invalid`] when that is more than the maximum, [`Error::Connect`] when a connection could not be
    /// opened (others may have been), [`Error::Closed`].
    pub async fn warm_up(&self, connections: usize) -> Result<usize, Error> {
        self.warm_up_for(connections, self.shared.settings.warm.keep).await
    }

    /// As [`warm_up`](Self::warm_up), and keeps them for this long.
    ///
    /// # Errors
    /// As for [`warm_up`](Self::warm_up).
    pub async fn warm_up_for(&self, connections: usize, keep: Duration) -> Result<usize, Error> {
        let shared = &self.shared;
        no_more_than(shared.settings.max, "warm_up", connections)?;
        if shared.core.is_closed() {
            return Err(Error::Closed);
        }
        let now = Instant::now();
        if let Some(until) = now.checked_add(keep) {
            shared.warmth.keep(connections, until);
        }
        let (opened, failed) = shared.open_up_to(connections).await;
        shared.warmth.count(opened);
        event!(info, shared, { connections, opened, }, "warmed up");
        match failed.or_else(|| shared.what_keeps_from(connections)) {
            Some(cause) => Err(Error::Connect { cause }),
            None => Ok(opened),
        }
    }

    /// Warms up by a schedule, which is asked for its next entry after each one, in a task of the pool. Ends
    /// when the schedule answers `None`, and when the pool is closed. What fails is told by an event, and the
    /// next entry follows.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use pool::WarmUp;
    ///
    /// # let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(8);
    /// # let manager = pool::ConnectionManager::connect(config).await?;
    /// // Every day at this time, for two hours.
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// manager.warm_on(move || Some(WarmUp::after(day, 8).keep(day / 12)));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// Entries follow each other by a millisecond at least, so that a schedule that lives in the past does not
    /// keep a processor busy.
    pub fn warm_on(&self, schedule: impl FnMut() -> Option<WarmUp> + Send + 'static) {
        let task = self.shared.runtime.spawn(follow(Arc::downgrade(&self.shared), schedule));
        self.shared.tasks.lock().push(task.abort_handle());
    }
}

async fn follow<C: Connector>(
    pool: Weak<Shared<C>>,
    mut schedule: impl FnMut() -> Option<WarmUp> + Send,
) {
    const AT_LEAST: Duration = Duration::from_millis(1);
    while let Some(next) = schedule() {
        sleep_until(next.at.max(Instant::now() + AT_LEAST)).await;
        let Some(shared) = pool.upgrade() else { return };
        let pool = Pool { shared };
        let keep = next.keep.unwrap_or(pool.shared.settings.warm.keep);
        match pool.warm_up_for(next.connections, keep).await {
            Ok(_) => {}
            Err(Error::Closed) => return,
            Err(error) => {
                event!(warn, pool.shared, { connections = next.connections, reason = %error, }, "warm-up failed");
            }
        }
    }
}

impl<C: Connector> Shared<C> {
    /// Notes what is to be there from the start on.
    pub(crate) fn keep_warm(&self) {
        let Warm { at_start, keep } = self.settings.warm;
        if let Some(until) = self.started.checked_add(keep).filter(|_| at_start > 0) {
            self.warmth.keep(at_start, until);
        }
    }

    /// How many connections are to be there now: the minimum, or what a warm-up wants beyond it.
    pub(crate) fn floor(&self) -> usize {
        self.settings.min.max(self.warmth.kept(Instant::now()))
    }

    /// Why there are fewer connections than wanted although no attempt has failed: another one is being made,
    /// and while connecting fails that is all that is done.
    fn what_keeps_from(&self, connections: usize) -> Option<crate::error::Cause> {
        let is_short = self.core.counts().live() < connections;
        self.outage.lock().last_error.clone().filter(|_| is_short)
    }
}
