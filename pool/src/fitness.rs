//! Whether a connection is fit to be lent: what its check and the hooks say.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::connector::Connector;
use crate::error::Cause;
use crate::event::event;
use crate::gate::circuit::Tried;
use crate::health::Purpose;
use crate::hooks::{ConnectionMetadata, HookCounts, HookStats};
use crate::reason::Reason;
use crate::seat::Seat;
use crate::step::Step;

/// Why a connection cannot be lent. Without a cause, a hook has said so.
pub(crate) struct Unfit {
    pub(crate) reason: Reason,
    pub(crate) cause: Option<Cause>,
}

impl<C: Connector> Seat<C> {
    /// Checks the connection.
    pub(crate) async fn prove(&mut self, purpose: Purpose) -> Result<(), Unfit> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_mut() else { return Ok(()) };
        let checking = shared.connector.check(&mut item.connection);
        let checked = shared.limited(Step::Check, shared.settings.check_timeout, checking).await;
        shared.core.with_tally(|tally| tally.health.count(purpose));
        match checked {
            Ok(()) => {
                item.last_well = Instant::now();
                event!(debug, shared, { id = %item.id, }, "connection checked");
                shared.count_success(Tried::Check(item.opened));
                Ok(())
            }
            Err(cause) => {
                shared.suspect_all(Instant::now());
                event!(warn, shared, { id = %item.id, reason = %cause, }, "health check failed");
                shared.count_failure(Tried::Check(item.opened), &cause);
                shared.outage.lock().last_check_error = Some(Arc::clone(&cause));
                shared.core.with_tally(|tally| tally.check_errors += 1);
                Err(Unfit { reason: Reason::Unhealthy, cause: Some(cause) })
            }
        }
    }

    /// Asks the hook whether the connection may be lent.
    pub(crate) async fn before_acquire(&mut self) -> Result<(), Unfit> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_mut().filter(|_| shared.hooks.before_acquire) else {
            return Ok(());
        };
        let told = ConnectionMetadata::of(item, Instant::now());
        let limit = shared.settings.hooks.before_acquire;
        let asking = shared.connector.before_acquire(&mut item.connection, told);
        let answer = shared.limited(Step::BeforeAcquire, limit, asking).await;
        self.heard(Step::BeforeAcquire, answer, |hooks| &mut hooks.before_acquire)
    }

    /// Asks the hook whether the connection may be kept.
    pub(crate) async fn after_release(&mut self) -> Result<(), Unfit> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_mut().filter(|_| shared.hooks.after_release) else {
            return Ok(());
        };
        let now = Instant::now();
        let told =
            ConnectionMetadata { idle_for: Duration::ZERO, ..ConnectionMetadata::of(item, now) };
        let limit = shared.settings.hooks.after_release;
        let asking = shared.connector.after_release(&mut item.connection, told);
        let answer = shared.limited(Step::AfterRelease, limit, asking).await;
        self.heard(Step::AfterRelease, answer, |hooks| &mut hooks.after_release)
    }

    /// What a hook's answer means.
    fn heard(
        &self,
        hook: Step,
        answer: Result<bool, Cause>,
        counts: impl FnOnce(&mut HookStats) -> &mut HookCounts,
    ) -> Result<(), Unfit> {
        self.shared.core.with_tally(|tally| {
            let counts = counts(&mut tally.hooks);
            counts.runs += 1;
            counts.refused += u64::from(matches!(answer, Ok(false)));
            counts.failed += u64::from(answer.is_err());
        });
        let id = self.item.as_ref().map(|item| tracing::field::display(item.id));
        match answer {
            Ok(true) => Ok(()),
            Ok(false) => {
                event!(debug, self.shared, { id, hook = hook.name(), }, "hook refused the connection");
                Err(Unfit { reason: Reason::Refused, cause: None })
            }
            Err(cause) => {
                event!(warn, self.shared, { id, hook = hook.name(), reason = %cause, }, "hook failed");
                Err(Unfit { reason: Reason::Refused, cause: Some(cause) })
            }
        }
    }
}
