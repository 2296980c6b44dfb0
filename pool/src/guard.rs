//! A borrowed connection.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Span;

use crate::connector::{Condition, Connector};
use crate::core::Lease;
use crate::error::{Cause, Error};
use crate::event::event;
use crate::gate::tags::Account;
use crate::id::ConnectionId;
use crate::reason::Reason;
use crate::seat::{Seat, give_back};
use crate::shared::{Item, Shared};
use crate::span;

/// A borrowed connection. Dropping it gives it back.
///
/// Dropping does not wait: a connection that needs cleaning (an open transaction, a call that was cut short)
/// is cleaned by a task before anybody else gets it, and closed if that fails. [`release`](Self::release)
/// does the same and tells how it went.
pub struct Guard<C: Connector> {
    shared: Arc<Shared<C>>,
    /// Always there, until the guard is taken apart or dropped.
    lease: Option<Lease<Item<C>>>,
    /// The account of those with the borrower's tag.
    tag: Option<Arc<Account>>,
}

impl<C: Connector> Guard<C> {
    pub(crate) fn new(
        shared: Arc<Shared<C>>,
        lease: Lease<Item<C>>,
        tag: Option<Arc<Account>>,
    ) -> Self {
        Self { shared, lease: Some(lease), tag }
    }

    /// Takes out the connection, and notes that its borrower has no more use for it.
    #[inline]
    fn end(&mut self) -> Option<Lease<Item<C>>> {
        let mut lease = self.lease.take()?;
        if self.tag.is_some() || self.shared.gate.notes_returns {
            self.note_end(&mut lease);
        }
        Some(lease)
    }

    /// Tells the parts that are on. Out of line, for those who have none.
    #[inline(never)]
    fn note_end(&self, lease: &mut Lease<Item<C>>) {
        if self.shared.settings.observe.spans {
            lease.resource.span = Span::none();
        }
        let Some(since) = lease.since else { return };
        let (gate, held) = (&self.shared.gate, since.elapsed());
        if let Some(account) = &self.tag {
            account.gave_back(held);
        }
        if gate.relief.is_measuring {
            gate.relief.measure(held);
        }
        if let Some(leaked) = &gate.leaked {
            self.shared.note_return(leaked, lease.resource.id, since);
        }
    }

    /// The name of the pool that it is of: another one than that which was asked, if that has a
    /// [`Fallback`](crate::Fallback).
    pub fn pool_name(&self) -> &str {
        &self.shared.settings.name
    }

    fn item(&self) -> &Item<C> {
        &self.lease.as_ref().expect("the lease is there until the guard is gone").resource
    }

    fn item_mut(&mut self) -> &mut Item<C> {
        &mut self.lease.as_mut().expect("the lease is there until the guard is gone").resource
    }

    /// Begins the span of holding, if spans are wanted.
    pub(crate) fn in_span(mut self, by: &'static Location<'static>) -> Self {
        if self.shared.settings.observe.spans {
            self.item_mut().span = span::holding(&self.shared.settings.name, self.id(), by);
        }
        self
    }

    /// The connection, and whether a call on it is under way.
    pub(crate) fn parts(&mut self) -> (&mut C::Connection, &mut bool) {
        let item = self.item_mut();
        (&mut item.connection, &mut item.is_mid_call)
    }

    /// The connection's name.
    pub fn id(&self) -> ConnectionId {
        self.item().id
    }

    /// The span that lasts for as long as the connection is held, for what is done on it to be inside. Disabled
    /// unless [`Observe::spans`](crate::Observe::spans) is on.
    pub fn span(&self) -> &Span {
        &self.item().span
    }

    /// Says that a call is under way after which, if it is cut short, nobody knows the connection's state.
    /// Unless [`call_ended`](Self::call_ended) follows, the connection is cleaned as one that was cut short.
    pub fn call_begins(&mut self) {
        self.item_mut().is_mid_call = true;
    }

    /// Says that the call that [`call_begins`](Self::call_begins) announced has come to its end.
    pub fn call_ended(&mut self) {
        self.item_mut().is_mid_call = false;
    }

    /// Lets a query meet its fault.
    #[cfg(feature = "fault-injection")]
    pub(crate) async fn strike(&mut self) -> Result<(), Cause> {
        self.shared.strike(crate::step::Step::Query).await
    }

    /// Gives the connection back and waits until it is clean, and the hook and the check are over that the
    /// pool may have for connections that come back.
    ///
    /// Cancel-safe: the connection goes back all the same.
    ///
    /// # Errors
    /// [`Error::Unclean`] when that failed, and it was closed.
    pub async fn release(mut self) -> Result<(), Error> {
        let Some(lease) = self.end() else { return Ok(()) };
        let Some(task) = put_back(&self.shared, lease) else { return Ok(()) };
        let cleaned = task.await.unwrap_or_else(|panic| Err(Arc::new(panic)));
        cleaned.map_err(|cause| Error::Unclean { cause })
    }

    /// Closes the connection in good order, and waits for that. The pool opens another one when it needs it.
    ///
    /// Cancel-safe: it is closed all the same.
    ///
    /// # Errors
    /// [`Error::CloseFailed`] when it did not close in good order. It is gone all the same.
    pub async fn close(mut self) -> Result<(), Error> {
        let Some(lease) = self.end() else { return Ok(()) };
        let closed = retire(&self.shared, lease, Reason::Requested).await;
        let closed = closed.unwrap_or_else(|panic| Err(Arc::new(panic)));
        closed.map_err(|cause| Error::CloseFailed { cause })
    }

    /// Takes the connection out of the pool for good. It no longer counts against the maximum.
    ///
    /// # Panics
    /// Never.
    pub fn detach(mut self) -> C::Connection {
        let lease = self.end().expect("the lease is there until the guard is gone");
        let id = lease.resource.id;
        let now = Instant::now();
        self.shared.used(lease.since, now);
        self.shared.core.retire(lease.slot, now);
        self.shared.forget(&lease.resource, Reason::Detached);
        self.shared.core.vacate(lease.slot);
        event!(info, self.shared, { id = %id, reason = Reason::Detached.name(), }, "connection detached");
        self.shared.freed();
        lease.resource.connection
    }
}

/// Closes a borrowed connection, in a task.
fn retire<C: Connector>(
    shared: &Arc<Shared<C>>,
    lease: Lease<Item<C>>,
    reason: Reason,
) -> JoinHandle<Result<(), Cause>> {
    let now = Instant::now();
    shared.used(lease.since, now);
    shared.core.retire(lease.slot, now);
    shared.retire(lease, reason)
}

/// Gives a connection back: at once, or by a task if it has to be made fit first.
#[inline]
fn put_back<C: Connector>(
    shared: &Arc<Shared<C>>,
    mut lease: Lease<Item<C>>,
) -> Option<JoinHandle<Result<(), Cause>>> {
    lease.resource.uses += 1;
    match condition(shared, &mut lease.resource) {
        Condition::Clean if !shared.tends_returned => give_back(shared, lease),
        Condition::Spent => drop(retire(shared, lease, Reason::Spent)),
        condition => return Some(tend(shared, lease, condition)),
    }
    None
}

/// Gives a connection back by a task that makes it fit first.
#[inline(never)]
fn tend<C: Connector>(
    shared: &Arc<Shared<C>>,
    lease: Lease<Item<C>>,
    condition: Condition,
) -> JoinHandle<Result<(), Cause>> {
    shared.runtime.spawn(Seat::taken(shared, lease).put_back(condition))
}

/// In which state a connection comes back.
#[inline]
fn condition<C: Connector>(shared: &Shared<C>, item: &mut Item<C>) -> Condition {
    match shared.connector.condition(&mut item.connection) {
        Condition::Spent => Condition::Spent,
        _ if item.is_mid_call => Condition::CutShort,
        condition => condition,
    }
}

impl<C: Connector> Drop for Guard<C> {
    fn drop(&mut self) {
        let Some(lease) = self.end() else { return };
        drop(put_back(&self.shared, lease));
    }
}

impl<C: Connector> Deref for Guard<C> {
    type Target = C::Connection;

    fn deref(&self) -> &C::Connection {
        &self.item().connection
    }
}

impl<C: Connector> DerefMut for Guard<C> {
    fn deref_mut(&mut self) -> &mut C::Connection {
        &mut self.item_mut().connection
    }
}

impl<C: Connector> fmt::Debug for Guard<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("id", &self.id()).finish_non_exhaustive()
    }
}
