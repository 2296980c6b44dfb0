//! A call that borrows a connection, as a future.
//!
//! Written by hand, for what an async function keeps of its arguments beside what it waits for made this three
//! times as large, and crowds of them are what a pool is for.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::time::Instant;

use crate::ask::Ask;
use crate::connector::Connector;
use crate::core::{Lease, Request, Take};
use crate::error::Error;
use crate::event::event;
use crate::guard::Guard;
use crate::shared::{Item, Shared};
use crate::span;
use crate::waiting::Waiting;

/// Does nothing before it is polled, as futures do. Dropping it loses nothing: see [`Waiting`].
pub(crate) struct Acquiring<'a, C: Connector> {
    shared: &'a Arc<Shared<C>>,
    step: Step<'a, C>,
}

enum Step<'a, C: Connector> {
    Asked(&'static Location<'static>, Ask),
    Waits(Waiting<'a, C>),
    InSpan(BoxFuture<'a, Result<Guard<C>, Error>>),
    Over,
}

impl<'a, C: Connector> Acquiring<'a, C> {
    pub(crate) fn new(
        shared: &'a Arc<Shared<C>>,
        by: &'static Location<'static>,
        ask: Ask,
    ) -> Self {
        Self { shared, step: Step::Asked(by, ask) }
    }

    /// The same inside a span. In a box, so that those who want no spans have smaller futures.
    pub(crate) fn in_span(
        shared: &'a Arc<Shared<C>>,
        by: &'static Location<'static>,
        ask: Ask,
    ) -> Self {
        Self { shared, step: Step::InSpan(Box::pin(span::acquire(shared, by, ask))) }
    }
}

impl<C: Connector> Future for Acquiring<'_, C> {
    type Output = Result<Guard<C>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = self.shared;
        if let Step::Asked(by, ask) = &self.step {
            let request = request(by, ask);
            match take(shared, &request) {
                Take::Lease(lease) => {
                    let by = *by;
                    self.step = Step::Over;
                    return Poll::Ready(Ok(acquired(shared, by, lease)));
                }
                Take::Wait => {
                    let limit = ask.limit.unwrap_or(shared.settings.acquire_timeout);
                    self.step = Step::Waits(Waiting::join(shared, request, limit)?);
                }
                Take::Closed => return Poll::Ready(Err(Error::Closed)),
            }
        }
        let waiting = match &mut self.step {
            Step::Waits(waiting) => waiting,
            Step::InSpan(acquiring) => return acquiring.as_mut().poll(context),
            _ => panic!("polled after it was ready"),
        };
        let served = ready!(waiting.poll(context));
        let by = waiting.by();
        self.step = Step::Over;
        Poll::Ready(served.map(|lease| acquired(shared, by, lease)))
    }
}

fn acquired<C: Connector>(
    shared: &Arc<Shared<C>>,
    by: &'static Location<'static>,
    lease: Lease<Item<C>>,
) -> Guard<C> {
    let guard = Guard::new(Arc::clone(shared), lease);
    event!(debug, shared, { id = %guard.id(), by = %by, }, "connection acquired");
    guard
}

/// Borrows a connection if one can be had at once.
pub(crate) fn take<C: Connector>(shared: &Shared<C>, request: &Request) -> Take<Item<C>> {
    let found = shared.core.take(request, |live| shared.is_fresh(live, request.since));
    if let Take::Lease(_) = &found {
        shared.meters.waited(Duration::ZERO);
    }
    found
}

pub(crate) fn request(by: &'static Location<'static>, ask: &Ask) -> Request {
    Request { since: Instant::now(), by, priority: ask.priority }
}
