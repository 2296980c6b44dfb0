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
use crate::core::{Lease, Refusal, Request, Take};
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
            match begin(shared, by, ask)? {
                Begun::Got(guard) => {
                    self.step = Step::Over;
                    return Poll::Ready(Ok(guard));
                }
                Begun::Waits(waiting) => self.step = Step::Waits(waiting),
            }
        }
        let waiting = match &mut self.step {
            Step::Waits(waiting) => waiting,
            Step::InSpan(acquiring) => return acquiring.as_mut().poll(context),
            _ => panic!("polled after it was ready"),
        };
        let served = ready!(waiting.poll(context));
        let acquired = served.map(|lease| acquired(shared, waiting.request(), lease));
        self.step = Step::Over;
        Poll::Ready(acquired)
    }
}

/// What asking comes to at once.
enum Begun<'a, C: Connector> {
    Got(Guard<C>),
    Waits(Waiting<'a, C>),
}

fn begin<'a, C: Connector>(
    shared: &'a Arc<Shared<C>>,
    by: &'static Location<'static>,
    ask: &Ask,
) -> Result<Begun<'a, C>, Error> {
    loop {
        let request = request(shared, by, ask)?;
        match take(shared, &request) {
            Take::Lease(lease) => return Ok(Begun::Got(acquired(shared, &request, lease))),
            Take::Wait => {
                let limit = ask.limit.unwrap_or(shared.settings.acquire_timeout);
                match Waiting::join(shared, request, limit) {
                    Ok(waiting) => return Ok(Begun::Waits(waiting)),
                    // Looked up again, it takes the other way.
                    Err(Refusal::Forgotten) => {}
                    Err(_) => return Err(Error::Closed),
                }
            }
            Take::Closed => return Err(Error::Closed),
            Take::Forgotten => shared.forget_tenant_of(&request),
        }
    }
}

/// Borrows a connection without waiting.
pub(crate) fn try_now<C: Connector>(
    shared: &Arc<Shared<C>>,
    by: &'static Location<'static>,
    ask: &Ask,
) -> Result<Guard<C>, Error> {
    loop {
        let request = request(shared, by, ask)?;
        match take(shared, &request) {
            Take::Lease(lease) => return Ok(Guard::new(Arc::clone(shared), lease).in_span(by)),
            Take::Wait => return Err(Error::NoneIdle { why: shared.why(Some(&request)) }),
            Take::Closed => return Err(Error::Closed),
            Take::Forgotten => shared.forget_tenant_of(&request),
        }
    }
}

fn acquired<C: Connector>(
    shared: &Arc<Shared<C>>,
    request: &Request,
    lease: Lease<Item<C>>,
) -> Guard<C> {
    let guard = Guard::new(Arc::clone(shared), lease);
    event!(debug, shared, { id = %guard.id(), by = %request.by, tenant = request.tenant_name(), }, "connection acquired");
    guard
}

/// Borrows a connection if one can be had at once.
fn take<C: Connector>(shared: &Shared<C>, request: &Request) -> Take<Item<C>> {
    let found = shared.core.take(request, |live| shared.is_fresh(live, request.since));
    if let Take::Lease(_) = &found {
        shared.meters.waited(Duration::ZERO);
    }
    found
}

fn request<C: Connector>(
    shared: &Shared<C>,
    by: &'static Location<'static>,
    ask: &Ask,
) -> Result<Request, Error> {
    let tenant = ask.tenant.as_ref().map(|name| shared.tenancy(name)).transpose()?;
    Ok(Request { since: Instant::now(), by, priority: ask.priority, tenant })
}
