//! The pool, whatever it connects to.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::acquiring::{Acquiring, try_acquire};
use crate::ask::Ask;
use crate::connector::Connector;
use crate::error::{Cause, ConfigError, Error};
use crate::gate::relief::Fallback;
use crate::gate::{circuit, leaks};
use crate::guard::Guard;
use crate::maintenance;
use crate::meters;
use crate::resizing;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::waiting;

/// A pool of connections. Cheap to clone: clones are handles of one pool.
///
/// Over sqlx it is called [`ConnectionManager`](crate::ConnectionManager). What is said here holds whatever
/// it connects to.
///
/// When the last handle and the last [`Guard`] are dropped, idle connections are dropped and the maintenance
/// ends. [`close`](Self::close) does so in good order.
pub struct Pool<C: Connector> {
    pub(crate) shared: Arc<Shared<C>>,
}

impl<C: Connector> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Why a pool could not be started.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// One of the first connections could not be opened.
    #[error(transparent)]
    Connect(Error),
}

impl<C: Connector> Pool<C> {
    /// Opens a pool, with the minimum of connections or as many as it is to be [`Warm`](crate::Warm) with, in
    /// parallel. If that is 0 nothing is opened, so that nothing can fail before the first
    /// [`acquire`](Self::acquire).
    ///
    /// Cancel-safe: what was opened is closed again.
    ///
    /// # Errors
    /// When the settings are wrong, or one of the connections cannot be opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    pub async fn start(connector: C, settings: Settings) -> Result<Self, StartError> {
        let (pool, failed) = Self::start_anyway(connector, settings).await?;
        if let Some(cause) = failed {
            // How closing went does not matter to one who learns that opening failed.
            let _ = pool.close(pool.shared.settings.close_timeout).await;
            return Err(StartError::Connect(Error::Connect { cause }));
        }
        Ok(pool)
    }

    /// As [`start`](Self::start), even if connections cannot be opened: then it answers why, too.
    pub(crate) async fn start_anyway(
        connector: C,
        settings: Settings,
    ) -> Result<(Self, Option<Cause>), ConfigError> {
        settings.validate()?;
        let pool = Self { shared: Shared::new(connector, settings) };
        for (name, limits) in &pool.shared.settings.tenants.named {
            pool.shared.set_tenant(&name.as_str().into(), limits, true)?;
        }
        pool.shared.keep_warm();
        let (_, failed) = pool.shared.open_up_to(pool.shared.floor()).await;
        waiting::watch(&pool.shared);
        leaks::watch(&pool.shared);
        circuit::watch(&pool.shared);
        maintenance::start(&pool.shared);
        resizing::start(&pool.shared);
        meters::start(&pool.shared);
        Ok((pool, failed))
    }

    /// Borrows a connection. Waits, up to the time set, when none is idle; who came first goes first.
    ///
    /// Takes the connection of the lowest place, so that few are kept warm. One that was idle for longer than
    /// [`Settings::check_after`] is checked first, in a task of its own. The place in the source that calls
    /// this is shown as the holder. An idle connection is taken without allocating.
    ///
    /// Cancel-safe: no connection, attempt or turn is lost when the future is dropped.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Connect`] or [`Error::Closed`]; and where these parts are on,
    /// [`Error::CircuitOpen`], [`Error::RateLimited`] and [`Error::Overloaded`].
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.acquire_by(Location::caller(), Ask::new())
    }

    /// As [`acquire`](Self::acquire), with a time limit of its own.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire).
    #[track_caller]
    pub fn acquire_timeout(
        &self,
        limit: Duration,
    ) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.acquire_by(Location::caller(), Ask::new().within(limit))
    }

    /// As [`acquire`](Self::acquire), asked for in another way: a [`Priority`](crate::Priority), or any [`Ask`].
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire).
    #[track_caller]
    pub fn acquire_with(
        &self,
        ask: impl Into<Ask>,
    ) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.acquire_by(Location::caller(), ask.into())
    }

    /// Borrows a connection if one is idle that needs no check and nobody waits. Where a hook is to be asked
    /// before each loan, none is.
    ///
    /// # Errors
    /// [`Error::NoneIdle`] or [`Error::Closed`], and [`Error::RateLimited`] where there is a rate limit, whose
    /// permit it takes.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Guard<C>, Error> {
        try_acquire(&self.shared, Location::caller(), &Ask::new())
    }

    pub(crate) fn acquire_by(&self, by: &'static Location<'static>, ask: Ask) -> Acquiring<'_, C> {
        Acquiring::new(&self.shared, by, ask)
    }

    /// Sets where callers get a connection who get none here: when their time is over, connecting fails, the
    /// circuit is open or a rule of [`Degradation`](crate::Degradation) refuses them; not when a rate limit
    /// holds them back or the pool is closed. Those who wait already, and [`Ask::no_fallback`], are not passed
    /// on, nor is [`try_acquire`](Self::try_acquire).
    ///
    /// A [`WaitLess`](crate::WaitLess) rule says how long a caller waits here before that. It costs an
    /// allocation more for a caller that has to wait.
    ///
    /// # Errors
    /// When there is one already. It stays.
    pub fn set_fallback(&self, fallback: Fallback<C>) -> Result<(), Fallback<C>> {
        self.shared.gate.relief.fallback.set(fallback)
    }

    /// The settings that it was started with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.shared.core.is_closed()
    }
}

impl<C: Connector> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.shared.settings.name)
            .field("counts", &self.shared.core.counts())
            .finish_non_exhaustive()
    }
}
