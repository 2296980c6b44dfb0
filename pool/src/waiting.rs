//! A caller that waits for a connection.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::connector::Connector;
use crate::core::{Lease, Place, Refusal, Request};
use crate::error::Error;
use crate::event::event;
use crate::reason::Reason;
use crate::shared::{Item, Shared};

/// One who waits. Dropping it leaves the queue, and passes on what was handed over meanwhile.
pub(crate) struct Waiting<'a, C: Connector> {
    shared: &'a Arc<Shared<C>>,
    place: Place<Item<C>>,
    is_served: bool,
}

impl<'a, C: Connector> Waiting<'a, C> {
    /// Waits until it is this caller's turn. Allocates a place in the queue, which the way of a caller that
    /// need not wait does not. Nobody is late before having waited: refuses when the pool is closed, or the
    /// tenant was forgotten.
    pub(crate) fn join(
        shared: &'a Arc<Shared<C>>,
        request: Request,
        limit: Duration,
    ) -> Result<Self, Refusal> {
        // A sum beyond the clock's range is no deadline at all; a century is none either.
        let deadline = request.since.checked_add(limit);
        let deadline =
            deadline.unwrap_or_else(|| request.since + Duration::from_secs(3_000_000_000));
        let place = shared.core.join(request, deadline)?;
        let request = &place.waiter.request;
        event!(debug, shared, { by = %request.by, tenant = request.tenant_name(), }, "waiting for a connection");
        let waiting = Self { shared, place, is_served: false };
        if waiting.place.is_to_supply {
            shared.pump();
        }
        if waiting.place.is_first_to_go {
            shared.alarm.notify_one();
        }
        Ok(waiting)
    }

    /// Who asked.
    pub(crate) fn request(&self) -> &Request {
        &self.place.waiter.request
    }

    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Lease<Item<C>>, Error>> {
        let served = ready!(self.shared.core.poll(&self.place.waiter, context));
        self.is_served = true;
        let request = &self.place.waiter.request;
        if let Ok(Lease { since: Some(since), .. }) = &served {
            self.shared.meters.waited(since.saturating_duration_since(request.since));
        }
        Poll::Ready(served.map_err(|refusal| refused(self.shared, request, refusal)))
    }
}

#[cold]
fn refused<C: Connector>(shared: &Shared<C>, request: &Request, refusal: Refusal) -> Error {
    if let Some(tenant) = &request.tenant {
        tenant.note_refused();
    }
    match refusal {
        Refusal::Closed | Refusal::Forgotten => Error::Closed,
        Refusal::Connect(cause) => Error::Connect { cause },
        Refusal::Late => {
            let (waited, why) = (request.since.elapsed(), shared.why(Some(request)));
            shared.core.with_tally(|tally| tally.timeouts += 1);
            shared.meters.timed_out();
            event!(warn, shared, { by = %request.by, tenant = request.tenant_name(), waited = ?waited, reason = %why, }, "no connection in time");
            Error::Timeout { waited, why }
        }
    }
}

impl<C: Connector> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        if self.is_served {
            return;
        }
        if let Some(lease) = self.shared.core.leave(self.place.turn, &self.place.waiter) {
            self.shared.pass_on(lease);
        }
        self.shared.core.with_tally(|tally| tally.given_up += 1);
    }
}

/// Starts the task that ends waits at their deadlines. One timer for all: a timer for each costs as much as
/// all else that a waiter does.
pub(crate) fn watch<C: Connector>(shared: &Arc<Shared<C>>) {
    // Made before the task first runs, for it may never do so.
    let unwatched = Unwatched { pool: Arc::downgrade(shared) };
    let alarm = Arc::clone(&shared.alarm);
    let task = shared.runtime.spawn(async move {
        loop {
            let Some(shared) = unwatched.pool.upgrade() else { return };
            let next = shared.core.send_late_away(Instant::now());
            drop(shared);
            match next {
                // Either the time has come, or somebody came whose time comes earlier.
                Some(at) => drop(timeout_at(at, alarm.notified()).await),
                None => alarm.notified().await,
            }
        }
    });
    shared.tasks.lock().push(task.abort_handle());
}

/// Whoever waits when the task ends, as its runtime does, would wait for ever.
struct Unwatched<C: Connector> {
    pool: Weak<Shared<C>>,
}

impl<C: Connector> Drop for Unwatched<C> {
    fn drop(&mut self) {
        let Some(shared) = self.pool.upgrade() else { return };
        for lease in shared.core.close() {
            shared.forget(&lease.resource, Reason::Shutdown);
            shared.core.vacate(lease.slot);
        }
    }
}
