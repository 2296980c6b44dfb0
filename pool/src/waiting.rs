//! A caller that waits for a connection.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::acquiring::deadline;
use crate::connector::Connector;
use crate::core::{Lease, Place, Refusal, Request};
use crate::error::Error;
use crate::event::event;
use crate::gate::circuit::Circuit;
use crate::gate::relief::{Limit, Rule, Spared};
use crate::reason::Reason;
use crate::shared::{Item, Shared};

/// One who waits. Dropping it leaves the queue, and passes on what was handed over meanwhile.
pub(crate) struct Waiting<'a, C: Connector> {
    shared: &'a Arc<Shared<C>>,
    place: Place<Item<C>>,
    is_served: bool,
    /// Whether a rule of degradation has made its time shorter.
    is_cut: bool,
}

impl<'a, C: Connector> Waiting<'a, C> {
    /// Waits until it is this caller's turn. Allocates a place in the queue, which the way of a caller that
    /// need not wait does not. Nobody is late before having waited: refuses when the pool is closed, or the
    /// tenant was forgotten.
    pub(crate) fn join(
        shared: &'a Arc<Shared<C>>,
        request: Request,
        own_limit: Duration,
    ) -> Result<Self, Error> {
        let limited =
            shared.gate.relief.limit(request.priority, own_limit, || shared.core.counts());
        let Limit { limit, is_cut } = match limited {
            Ok(limit) => limit,
            Err(spared) => return Err(overloaded(shared, &request, spared)),
        };
        let place = shared.join(request, limit)?;
        let request = &place.waiter.request;
        if let Some(account) = &request.marks.tag {
            account.waits();
        }
        event!(debug, shared, {
            by = %request.by, tenant = request.tenant_name(), tag = request.marks.tag_name(),
        }, "waiting for a connection");
        let waiting = Self { shared, place, is_served: false, is_cut };
        if waiting.place.is_to_supply {
            shared.pump();
        }
        if waiting.place.is_first_to_go {
            shared.alarm.notify_one();
        }
        Ok(waiting)
    }

    /// Who waits.
    pub(crate) fn request(&self) -> &Request {
        &self.place.waiter.request
    }

    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Lease<Item<C>>, Error>> {
        let served = ready!(self.shared.core.poll(&self.place.waiter, context));
        self.is_served = true;
        let request = &self.place.waiter.request;
        if let Ok(Lease { since: Some(since), .. }) = &served {
            self.shared.meters.waited(request.since, *since);
        }
        Poll::Ready(served.map_err(|refusal| refused(self.shared, request, refusal, self.is_cut)))
    }
}

#[cold]
fn refused<C: Connector>(
    shared: &Shared<C>,
    request: &Request,
    refusal: Refusal,
    is_cut: bool,
) -> Error {
    match refusal {
        Refusal::Closed | Refusal::Forgotten => Error::Closed,
        Refusal::Tripped => shared.circuit_open(),
        Refusal::Late if is_cut => {
            overloaded(shared, request, Spared { rule: Rule::WaitLess, expected: None })
        }
        Refusal::Connect(cause) => Error::Connect { cause },
        Refusal::Late => {
            let (waited, why) = (request.since.elapsed(), shared.why(Some(request)));
            shared.core.with_tally(|tally| tally.timeouts += 1);
            shared.meters.timed_out();
            event!(warn, shared, {
                by = %request.by, tenant = request.tenant_name(), tag = request.marks.tag_name(),
                waited = ?waited, reason = %why,
            }, "no connection in time");
            Error::Timeout { waited, why }
        }
    }
}

/// One whom a rule refuses, to spare others.
#[cold]
fn overloaded<C: Connector>(shared: &Shared<C>, request: &Request, spared: Spared) -> Error {
    let Spared { rule, expected } = spared;
    let (waited, why) = (request.since.elapsed(), shared.why(Some(request)));
    shared.gate.relief.count_refused(rule);
    event!(warn, shared, {
        rule = rule.name(), by = %request.by, tenant = request.tenant_name(), tag = request.marks.tag_name(), waited = ?waited,
        expected = expected.map(tracing::field::debug), reason = %why,
    }, "refused to spare others");
    Error::Overloaded { rule, waited, expected, why }
}

impl<C: Connector> Shared<C> {
    /// Joins the queue. A tenant that was forgotten since it was looked up is looked up again.
    fn join(&self, mut request: Request, limit: Duration) -> Result<Place<Item<C>>, Error> {
        let deadline = deadline(request.since, limit);
        loop {
            let again = request.tenant.is_some().then(|| request.clone());
            match (self.core.join(request, deadline), again) {
                (Ok(place), _) => return Ok(place),
                (Err(Refusal::Forgotten), Some(again)) => request = self.anew(again)?,
                (Err(Refusal::Tripped), _) => return Err(self.circuit_open()),
                // Nobody is late before having waited, nor has seen an attempt fail.
                (Err(_), _) => return Err(Error::Closed),
            }
        }
    }

    /// What a caller is told while the circuit is open.
    #[cold]
    pub(crate) fn circuit_open(&self) -> Error {
        // Only a circuit trips the core.
        self.gate.circuit.as_ref().map_or(Error::Closed, Circuit::refuse)
    }
}

impl<C: Connector> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        if let Some(account) = &self.place.waiter.request.marks.tag {
            account.waits_no_more();
        }
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
