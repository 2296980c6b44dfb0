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
use crate::gate::circuit::Tried;
use crate::reason::Reason;
use crate::shared::{Item, Shared, limited};

/// Owns a slot while a task works on it. If the task dies, by a panic or with its runtime, the slot is emptied.
pub(crate) struct Seat<C: Connector> {
    shared: Arc<Shared<C>>,
    slot: usize,
    /// Since when a borrower has had the connection.
    since: Option<Instant>,
    item: Option<Item<C>>,
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
        match limited("connecting", shared.settings.connect_timeout, connecting).await {
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

    /// Sees whether an idle connection still works, and passes it on if so.
    pub(crate) async fn check(mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_mut() else { return };
        if item.expires.is_some_and(|expires| expires <= Instant::now()) {
            shared.core.retire(self.slot, Instant::now());
            // How closing it went is told by its event.
            let _ = self.close(Reason::Expired).await;
            return;
        }
        let checking = shared.connector.check(&mut item.connection);
        match limited("checking", shared.settings.check_timeout, checking).await {
            Ok(()) => {
                item.last_used = Instant::now();
                event!(debug, shared, { id = %item.id, }, "connection checked");
                shared.count_success(Tried::Check(item.opened));
                if let Some(lease) = self.into_lease() {
                    shared.pass_on(lease);
                }
            }
            Err(cause) => {
                shared.suspect_all(Instant::now());
                event!(warn, shared, { id = %item.id, reason = %cause, }, "health check failed");
                shared.count_failure(Tried::Check(item.opened), &cause);
                shared.outage.lock().last_check_error = Some(cause);
                shared.core.with_tally(|tally| tally.check_errors += 1);
                shared.core.retire(self.slot, Instant::now());
                // Whoever waits does not wait for a dead connection's farewell, too.
                self.discard(Reason::Unhealthy);
            }
        }
    }

    /// Makes a connection fit for the next borrower, and passes it on, or closes it.
    pub(crate) async fn clean(mut self, condition: Condition) -> Result<(), Cause> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.as_mut() else { return Ok(()) };
        let cleaning = shared.connector.clean(&mut item.connection, condition);
        match limited("cleaning", shared.settings.clean_timeout, cleaning).await {
            Ok(()) => {
                item.is_mid_call = false;
                item.last_used = Instant::now();
                event!(debug, shared, { id = %item.id, }, "connection cleaned");
                if let Some(lease) = self.into_lease() {
                    give_back(&shared, lease);
                }
                Ok(())
            }
            Err(cause) => {
                event!(warn, shared, { id = %item.id, reason = %cause, }, "connection cannot be cleaned");
                let now = Instant::now();
                shared.used(self.since, now);
                shared.core.retire(self.slot, now);
                self.discard(Reason::Unclean);
                Err(cause)
            }
        }
    }

    /// Closes a connection whose slot is at `Stage::Retiring`.
    pub(crate) async fn close(mut self, reason: Reason) -> Result<(), Cause> {
        let shared = Arc::clone(&self.shared);
        let Some(item) = self.item.take() else { return Ok(()) };
        shared.forget(&item, reason);
        let id = item.id;
        let closing = shared.connector.close(item.connection);
        let closed = limited("closing", shared.settings.close_timeout, closing).await;
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
        self.shared.freed();
    }

    fn into_lease(mut self) -> Option<Lease<Item<C>>> {
        self.is_over = true;
        let resource = self.item.take()?;
        Some(Lease { slot: self.slot, since: self.since, resource })
    }
}

/// Gives back a clean connection: to whoever waits, to the idle, or to be closed if its time is over.
pub(crate) fn give_back<C: Connector>(shared: &Arc<Shared<C>>, mut lease: Lease<Item<C>>) {
    let now = Instant::now();
    lease.resource.last_used = now;
    shared.used(lease.since, now);
    if lease.resource.expires.is_some_and(|expires| expires <= now) {
        shared.core.retire(lease.slot, now);
        drop(shared.retire(lease, Reason::Expired));
        return;
    }
    event!(debug, shared, { id = %lease.resource.id, }, "connection released");
    match shared.core.give_back(lease, now) {
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
