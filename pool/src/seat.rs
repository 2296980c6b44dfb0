//! A slot in the hands of a task: connecting, checking, cleaning and closing.
//!
//! None of these runs in a caller's future. A caller that gives up cancels nothing; what its attempt brings
//! goes to the next who waits, or is idle.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use crate::connector::{Condition, Connector};
use crate::core::{AfterFailure, GivenBack, Lease};
use crate::error::Cause;
use crate::event::event;
use crate::fitness::Unfit;
use crate::gate::circuit::Tried;
use crate::health::Purpose;
use crate::reason::Reason;
use crate::shared::{Item, Shared};
use crate::step::Step;

/// Owns a slot while a task works on it. If the task dies, by a panic or with its runtime, the slot is emptied.
pub(crate) struct Seat<C: Connector> {
    pub(crate) shared: Arc<Shared<C>>,
    slot: usize,
    /// Since when a borrower has had the connection.
    since: Option<Instant>,
    pub(crate) item: Option<Item<C>>,
    is_over: bool,
}

impl<C: Connector> Seat<C> {
    /// A slot that waits for a connection.
    pub(crate) fn reserved(shared: &Arc<Shared<C>>, slot: usize) -> Self {
        Self { shared: Arc::clone(shared), slot, since: None, item: None, is_over: false }
    }

    /// A slot and its connection.
    pub(crate) fn taken(shared: &Arc<Shared<C>>, lease: Lease<Item<C>>) -> Self {
        let Lease { slot, since, resource } = lease;
        Self { shared: Arc::clone(shared), slot, since, item: Some(resource), is_over: false }
    }

    /// Connects for those who wait. While that fails, goes on, with pauses, as long as somebody wants it,
    /// unless another task does so already.
    pub(crate) async fn connect_until_done(mut self) {
        while let Err(after) = self.attempt(Tried::Connect).await {
            if after == AfterFailure::Stop {
                self.is_over = true;
                self.shared.pump();
                return;
            }
            if self.shared.core.is_tripped() {
                self.is_over = true;
                self.shared.give_up(self.slot);
                return;
            }
            let failures = self.shared.outage.lock().failures;
            sleep(self.shared.settings.retry_pause(failures)).await;
            if !self.shared.core.is_wanted(self.shared.settings.min) {
                self.is_over = true;
                self.shared.give_up(self.slot);
                return;
            }
        }
    }

    /// Connects, once.
    pub(crate) async fn connect_once(mut self) -> Result<(), Cause> {
        let Err(after) = self.attempt(Tried::Connect).await else { return Ok(()) };
        let cause = self.shared.outage.lock().last_error.clone();
        self.is_over = true;
        match after {
            AfterFailure::Stop => self.shared.pump(),
            AfterFailure::Probe => self.shared.give_up(self.slot),
        }
        // Another attempt may just have succeeded and cleared the error.
        Err(cause
            .unwrap_or_else(|| Arc::new(std::io::Error::other("an attempt to connect failed"))))
    }

    /// Connects, and sees whether the connection works, for the circuit.
    pub(crate) async fn probe(mut self) {
        if self.attempt(Tried::Probe).await.is_err() {
            self.is_over = true;
            self.shared.give_up(self.slot);
        }
    }

    async fn attempt(&mut self, tried: Tried) -> Result<(), AfterFailure> {
        let shared = Arc::clone(&self.shared);
        let (before, begun) = (shared.core.next_ticket(), Instant::now());
        let connecting = async {
            let mut connection = shared.connector.connect().await?;
            if matches!(tried, Tried::Probe) {
                shared.connector.check(&mut connection).await?;
            }
            Ok::<_, C::Error>(connection)
        };
        match shared.limited(Step::Connect, shared.settings.connect_timeout, connecting).await {
            Ok(connection) => {
                self.is_over = true;
                shared.admit(self.slot, connection, begun);
                shared.count_success(tried);
                Ok(())
            }
            Err(cause) => {
                let failures = {
                    let mut outage = shared.outage.lock();
                    outage.failures = outage.failures.saturating_add(1);
                    outage.last_error = Some(Arc::clone(&cause));
                    outage.failures
                };
                shared.core.with_tally(|tally| tally.connect_errors += 1);
                event!(warn, shared, { reason = %cause, failures, }, "cannot connect");
                let after = shared.core.connect_failed(self.slot, before, &cause);
                shared.count_failure(tried, &cause);
                Err(after)
            }
        }
    }

    /// Sees whether an idle connection still works and may be lent, and passes it on if so.
    pub(crate) async fn check(mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_ref() else { return };
        let now = Instant::now();
        if item.expires.is_some_and(|expires| expires <= now) {
            shared.core.retire(self.slot, now);
            // How closing it went is told by its event.
            let _ = self.close(Reason::Expired).await;
            return;
        }
        let proven =
            if shared.is_proven(item, now) { Ok(()) } else { self.prove(Purpose::Acquire).await };
        let fit = match proven {
            Ok(()) => self.before_acquire().await,
            Err(unfit) => {
                shared.inspect_suspects();
                Err(unfit)
            }
        };
        match fit {
            Ok(()) => {
                if let Some(lease) = self.into_lease() {
                    shared.pass_on(lease);
                }
            }
            Err(unfit) => self.reject(&unfit).await,
        }
    }

    /// Sees whether an idle connection still works for which nobody waits, and puts it back if so.
    pub(crate) async fn inspect(mut self) {
        match self.prove(Purpose::Background).await {
            Ok(()) => self.settle(),
            Err(unfit) => self.reject(&unfit).await,
        }
    }

    /// Makes a connection fit for the next borrower, and gives it back, or closes it.
    pub(crate) async fn put_back(mut self, condition: Condition) -> Result<(), Cause> {
        match self.tend(condition).await {
            Ok(()) => {
                let shared = Arc::clone(&self.shared);
                if let Some(lease) = self.into_lease() {
                    give_back(&shared, lease);
                }
                Ok(())
            }
            Err(unfit) => {
                self.reject(&unfit).await;
                unfit.cause.map_or(Ok(()), Err)
            }
        }
    }

    async fn tend(&mut self, condition: Condition) -> Result<(), Unfit> {
        #[cfg(feature = "fault-injection")]
        self.release().await?;
        if condition != Condition::Clean {
            self.clean(condition).await?;
        }
        self.after_release().await?;
        if self.shared.settings.health.on_release {
            self.prove(Purpose::Release).await?;
        }
        Ok(())
    }

    /// Does nothing but to meet a fault.
    #[cfg(feature = "fault-injection")]
    async fn release(&mut self) -> Result<(), Unfit> {
        let limit = self.shared.settings.clean_timeout;
        let nothing = std::future::ready(Ok::<(), std::convert::Infallible>(()));
        let released = self.shared.limited(Step::Release, limit, nothing).await;
        released.map_err(|cause| Unfit { reason: Reason::Unclean, cause: Some(cause) })
    }

    async fn clean(&mut self, condition: Condition) -> Result<(), Unfit> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_mut() else { return Ok(()) };
        let cleaning = shared.connector.clean(&mut item.connection, condition);
        match shared.limited(Step::Clean, shared.settings.clean_timeout, cleaning).await {
            Ok(()) => {
                item.is_mid_call = false;
                event!(debug, shared, { id = %item.id, }, "connection cleaned");
                Ok(())
            }
            Err(cause) => {
                event!(warn, shared, { id = %item.id, reason = %cause, }, "connection cannot be cleaned");
                Err(Unfit { reason: Reason::Unclean, cause: Some(cause) })
            }
        }
    }

    /// Closes a connection that cannot be lent. One that failed is dropped: whoever waits does not wait for a
    /// dead connection's farewell, too.
    async fn reject(self, unfit: &Unfit) {
        let now = Instant::now();
        self.shared.used(self.since, now);
        self.shared.core.retire(self.slot, now);
        if self.since.is_some() {
            // It was lent, and its tenant may have another one now.
            self.shared.pump();
        }
        match unfit.cause {
            Some(_) => self.discard(unfit.reason),
            // How closing it went is told by its event.
            None => drop(self.close(unfit.reason).await),
        }
    }

    /// Closes a connection whose slot is at `Stage::Retiring`.
    pub(crate) async fn close(mut self, reason: Reason) -> Result<(), Cause> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.take() else { return Ok(()) };
        shared.forget(&item, reason);
        let id = item.id;
        let closing = shared.connector.close(item.connection);
        let closed = shared.limited(Step::Close, shared.settings.close_timeout, closing).await;
        self.is_over = true;
        shared.core.vacate(self.slot);
        match &closed {
            Ok(()) => {
                event!(info, shared, { id = %id, reason = reason.name(), }, "connection closed")
            }
            Err(cause) => {
                event!(warn, shared, { id = %id, reason = reason.name(), error = %cause, }, "connection dropped")
            }
        }
        if reason == Reason::Refused {
            shared.replace();
        }
        shared.freed();
        closed
    }

    /// Drops a connection whose slot is at `Stage::Retiring`.
    fn discard(mut self, reason: Reason) {
        let Some(item) = self.item.take() else { return };
        self.shared.forget(&item, reason);
        let id = item.id;
        drop(item);
        self.is_over = true;
        self.shared.core.vacate(self.slot);
        event!(info, self.shared, { id = %id, reason = reason.name(), }, "connection dropped");
        self.shared.replace();
        self.shared.freed();
    }

    /// Puts back what nobody has used.
    fn settle(self) {
        let shared = Arc::clone(&self.shared);
        if let Some(lease) = self.into_lease() {
            kept(&shared, shared.core.inspected(lease, Instant::now()));
        }
    }

    fn into_lease(mut self) -> Option<Lease<Item<C>>> {
        self.is_over = true;
        let resource = self.item.take()?;
        Some(Lease { slot: self.slot, since: self.since, resource })
    }
}

/// Gives back a clean connection: to whoever waits, to the idle, or to be closed if its time is over.
#[inline]
pub(crate) fn give_back<C: Connector>(shared: &Arc<Shared<C>>, mut lease: Lease<Item<C>>) {
    let now = Instant::now();
    (lease.resource.last_used, lease.resource.last_well) = (now, now);
    shared.used(lease.since, now);
    if lease.resource.expires.is_some_and(|expires| expires <= now) {
        shared.core.retire(lease.slot, now);
        drop(shared.retire(lease, Reason::Expired));
        return;
    }
    event!(debug, shared, { id = %lease.resource.id, }, "connection released");
    kept(shared, shared.core.give_back(lease, now));
}

/// Does what is left to do after a connection was given back.
#[inline]
fn kept<C: Connector>(shared: &Arc<Shared<C>>, given: GivenBack<Item<C>>) {
    match given {
        // It is idle now, even if somebody waits (C11).
        GivenBack::Kept if shared.hooks.before_acquire => shared.pump(),
        GivenBack::Kept => {}
        GivenBack::Retire(lease, reason) => drop(shared.retire(lease, reason)),
    }
}

impl<C: Connector> Drop for Seat<C> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let Some(item) = self.item.take() {
            self.shared.forget(&item, Reason::Unclean);
        }
        self.shared.core.vacate(self.slot);
        self.shared.emptied.notify_waiters();
    }
}
