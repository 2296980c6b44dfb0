//! What is known about a tenant without the core's lock, and its account under it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Core;
use super::account::{AccountId, Standing};
#[cfg(feature = "rate-limit")]
use crate::gate::limits::Limiter;
use crate::histogram::{Histogram, Times};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::tenants::TenantLimits;

/// A tenant. Shared by the registry, by who asks in its name, and by what was lent to it.
#[derive(Debug)]
pub(crate) struct Tenancy {
    pub(crate) name: Arc<str>,
    pub(crate) account: AccountId,
    /// How often it may ask, if that is limited.
    #[cfg(feature = "rate-limit")]
    pub(crate) limiter: Option<Limiter>,
    /// Whether its limits were set, so that it is not forgotten.
    is_named: AtomicBool,
    /// How long those waited who were served.
    wait: Mutex<Histogram>,
    /// How many were sent away.
    refused: AtomicU64,
    /// How many stopped waiting.
    given_up: AtomicU64,
}

impl Tenancy {
    pub(crate) fn new(name: Arc<str>, account: AccountId) -> Self {
        Self {
            name,
            account,
            #[cfg(feature = "rate-limit")]
            limiter: None,
            is_named: AtomicBool::new(false),
            wait: Mutex::new(Histogram::default()),
            refused: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
        }
    }

    #[cfg(feature = "rate-limit")]
    pub(crate) fn limited_by(self, limiter: Option<Limiter>) -> Self {
        Self { limiter, ..self }
    }

    pub(crate) fn is_named(&self) -> bool {
        // Ordering: Relaxed here and below. Written under the lock, under which it also decides; read
        // without it to refuse newcomers, for whom a moment more or less is all the same.
        self.is_named.load(Ordering::Relaxed)
    }

    pub(super) fn note_wait(&self, waited: Duration) {
        self.wait.lock().record(waited);
    }

    pub(crate) fn note_refused(&self) {
        // Ordering: Relaxed; a count in a statistic.
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn note_given_up(&self) {
        // Ordering: Relaxed; a count in a statistic.
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    pub(crate) fn wait(&self) -> Times {
        self.wait.lock().times()
    }
}

/// Why limits could not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    /// The account was closed.
    Forgotten,
    /// The others are guaranteed so much, in per cent, that both are more than all.
    Shares(u32),
}

impl<R> Core<R> {
    pub(crate) fn open_account(&self, limits: TenantLimits, now: Instant) -> AccountId {
        self.state.lock().queue.open(limits, now)
    }

    /// Sets what a tenant may have, from now on: what it has already it keeps. The caller calls
    /// [`supply`](Self::supply) next (C6).
    pub(crate) fn set_limits(
        &self,
        tenancy: &Tenancy,
        limits: TenantLimits,
        is_named: bool,
    ) -> Result<(), Unset> {
        let mut state = self.state.lock();
        let others = state.queue.shares_but(tenancy.account);
        if others + u32::from(limits.share_percent) > 100 {
            return Err(Unset::Shares(others));
        }
        if !state.queue.set_limits(tenancy.account, limits) {
            return Err(Unset::Forgotten);
        }
        tenancy.is_named.store(is_named, Ordering::Relaxed);
        self.note_crowd(&state);
        Ok(())
    }

    /// Closes the account of a tenant that was not named, has nothing, and was last active `before`. Answers whether it is closed: whoever asks in its name then is told so.
    pub(crate) fn forget(&self, tenancy: &Tenancy, before: Instant) -> bool {
        let mut state = self.state.lock();
        !tenancy.is_named() && state.queue.close(tenancy.account, before)
    }

    pub(crate) fn standings(&self) -> Vec<Standing> {
        self.state.lock().queue.standings()
    }
}
