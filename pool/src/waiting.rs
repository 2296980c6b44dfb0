//! A caller that waits for a connection.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::acquiring::deadline;
use crate::ask::Priority;
use crate::connector::Connector;
use crate::core::{Caller, Lease, Place, Refusal, Request, Waiter};
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
    #[inline]
    pub(crate) fn join(
        shared: &'a Arc<Shared<C>>,
        request: Request,
        own_limit: Duration,
    ) -> Result<Self, Error> {
        let relief = &shared.gate.relief;
        let limited = relief.limit(request.priority, own_limit, || shared.core.counts());
        let Limit { limit, is_cut } = match limited {
            Ok(limit) => limit,
            Err(spared) => {
                request.caller.note_refused();
                return Err(overloaded(shared, request.since, &request.caller, spared));
            }
        };
        let place = shared.join(request, limit)?;
        let caller = &place.waiter.caller;
        if let Some(account) = &caller.marks.tag {
            account.waits();
        }
        event!(debug, shared, {
            by = %caller.by, tenant = caller.tenant_name(), tag = caller.marks.tag_name(),
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
    pub(crate) fn waiter(&self) -> &Waiter<Item<C>> {
        &self.place.waiter
    }

    #[inline]
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Lease<Item<C>>, Error>> {
        let served = ready!(self.shared.core.poll(&self.place.waiter, context));
        self.is_served = true;
        let waiter = self.waiter();
        if let Some(account) = &waiter.caller.marks.tag {
            account.waits_no_more();
        }
        match served {
            Ok(lease) => {
                if let Some(since) = lease.since {
                    self.shared.meters.waited(waiter.since, since);
                }
                Poll::Ready(Ok(lease))
            }
            Err(refusal) => Poll::Ready(Err(refused(self.shared, waiter, refusal, self.is_cut))),
        }
    }
}

#[cold]
fn refused<C: Connector>(
    shared: &Shared<C>,
    waiter: &Waiter<Item<C>>,
    refusal: Refusal,
    is_cut: bool,
) -> Error {
    let Waiter { since, caller, .. } = waiter;
    caller.note_refused();
    match refusal {
        Refusal::Closed | Refusal::Forgotten => Error::Closed,
        Refusal::Tripped => shared.circuit_open(),
        Refusal::Late if is_cut => {
            overloaded(shared, *since, caller, Spared { rule: Rule::WaitLess, expected: None })
        }
        Refusal::Connect(cause) => Error::Connect { cause },
        Refusal::Late => {
            let (waited, why) = (since.elapsed(), shared.why(Some(caller)));
            shared.core.with_tally(|tally| tally.timeouts += 1);
            shared.meters.timed_out();
            event!(warn, shared, {
                by = %caller.by, tenant = caller.tenant_name(), tag = caller.marks.tag_name(),
                waited = ?waited, reason = %why,
            }, "no connection in time");
            Error::Timeout { waited, why }
        }
    }
}

/// One whom a rule refuses, to spare others.
#[cold]
fn overloaded<C: Connector>(
    shared: &Shared<C>,
    since: Instant,
    caller: &Caller,
    spared: Spared,
) -> Error {
    let Spared { rule, expected } = spared;
    let (waited, why) = (since.elapsed(), shared.why(Some(caller)));
    shared.gate.relief.count_refused(rule);
    event!(warn, shared, {
        rule = rule.name(), by = %caller.by, tenant = caller.tenant_name(),
        tag = caller.marks.tag_name(), waited = ?waited,
        expected = expected.map(tracing::field::debug), reason = %why,
    }, "refused to spare others");
    Error::Overloaded { rule, waited, expected, why }
}

impl<C: Connector> Shared<C> {
    /// Joins the queue. A tenant that was forgotten since it was looked up is looked up again.
    #[inline]
    fn join(&self, mut request: Request, limit: Duration) -> Result<Place<Item<C>>, Error> {
        let (priority, deadline) = (request.priority, deadline(request.since, limit));
        loop {
            match self.core.join(request, deadline) {
                Ok(place) => return Ok(place),
                Err((refusal, waiter)) => request = self.anew(&refusal, priority, &waiter)?,
            }
        }
    }

    /// What one asks for who could not join, for another try.
    #[cold]
    fn anew(
        &self,
        refusal: &Refusal,
        priority: Priority,
        waiter: &Waiter<Item<C>>,
    ) -> Result<Request, Error> {
        let mut request = Request { since: waiter.since, priority, caller: waiter.caller.clone() };
        let known = match refusal {
            Refusal::Forgotten => self.look_up_anew(&mut request.caller),
            Refusal::Tripped => Err(self.circuit_open()),
            // Nobody is late before having waited, nor has seen an attempt fail.
            _ => Err(Error::Closed),
        };
        match known {
            Ok(()) => Ok(request),
            Err(error) => {
                request.caller.note_refused();
                Err(error)
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
        if self.is_served {
            return;
        }
        self.place.waiter.caller.note_given_up();
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
