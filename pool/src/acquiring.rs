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
#[cfg(feature = "rate-limit")]
use crate::gate::limits::{Limits, Verdict};
use crate::guard::Guard;
use crate::shared::{Item, Shared};
use crate::span;
use crate::waiting::Waiting;

/// Does nothing before it is polled, as futures do. Dropping it loses nothing: see [`Waiting`].
pub(crate) struct Acquiring<'a, C: Connector> {
    shared: &'a Arc<Shared<C>>,
    step: Step<'a, C>,
    /// How it was asked for, while it waits and there is a fallback to pass it on to.
    spare: Option<Box<Asked>>,
}

enum Step<'a, C: Connector> {
    Asked(&'static Location<'static>, Ask),
    /// Waits for a permit of a rate limit.
    #[cfg(feature = "rate-limit")]
    Held(Box<Held<'a>>),
    Waits(Waiting<'a, C>),
    InSpan(BoxFuture<'a, Result<Guard<C>, Error>>),
    FallsBack(BoxFuture<'static, Result<Guard<C>, Error>>),
    Over,
}

/// How a connection was asked for, and until when it is wanted.
struct Asked {
    ask: Ask,
    deadline: Instant,
}

#[cfg(feature = "rate-limit")]
struct Held<'a> {
    request: Request,
    asked: Asked,
    permit: BoxFuture<'a, Result<(), Error>>,
}

type Acquired<C> = Result<Guard<C>, Error>;

impl<'a, C: Connector> Acquiring<'a, C> {
    pub(crate) fn new(
        shared: &'a Arc<Shared<C>>,
        by: &'static Location<'static>,
        ask: Ask,
    ) -> Self {
        Self { shared, step: Step::Asked(by, ask), spare: None }
    }

    /// The first step, on the way of those who find what they want. Answers what it has come to, unless there
    /// is something to wait for.
    fn begin(&mut self) -> Option<Acquired<C>> {
        let Step::Asked(by, ask) = &self.step else { return None };
        let request = match request(self.shared, by, ask) {
            Ok(request) => request,
            Err(error) => return Some(Err(error)),
        };
        #[cfg(feature = "rate-limit")]
        if let Some(limits) = &self.shared.gate.limits {
            match limits.try_pass(&request, true) {
                Verdict::Pass => {}
                verdict => return self.held_back(limits, verdict, request),
            }
        }
        match take(self.shared, request) {
            Ok((request, Take::Lease(lease))) => {
                self.step = Step::Over;
                Some(Ok(acquired(self.shared, request, lease)))
            }
            Ok((request, _)) => {
                let limit = limit(self.shared, ask);
                let ask = self.ask();
                self.join(request, ask, limit)
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Takes out how it was asked.
    fn ask(&mut self) -> Ask {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Asked(_, ask) => ask,
            _ => Ask::new(),
        }
    }

    fn join(&mut self, request: Request, ask: Ask, limit: Duration) -> Option<Acquired<C>> {
        self.keep(ask, deadline(request.since, limit));
        let asked = request.clone();
        match Waiting::join(self.shared, request, limit) {
            Ok(waiting) => {
                self.step = Step::Waits(waiting);
                None
            }
            Err(error) => {
                asked.note_refused();
                self.fall_back(error)
            }
        }
    }

    /// Keeps what [`fall_back`](Self::fall_back) needs, if there is a fallback.
    fn keep(&mut self, ask: Ask, deadline: Instant) {
        if self.shared.gate.relief.fallback.get().is_some() && !ask.is_for_here {
            self.spare = Some(Box::new(Asked { ask, deadline }));
        }
    }

    /// Passes a caller on that got no connection here, if there is anywhere to. A pool that is closed by its
    /// owner is not left for another.
    fn fall_back(&mut self, error: Error) -> Option<Acquired<C>> {
        let relief = &self.shared.gate.relief;
        let (Some(asked), Some(fallback)) = (self.spare.take(), relief.fallback.get()) else {
            return Some(Err(error));
        };
        if matches!(error, Error::Closed) {
            return Some(Err(error));
        }
        event!(warn, self.shared, { tag = asked.ask.tag.as_ref().map(tracing::field::debug), reason = %error, }, "falls back");
        let left = asked.deadline.saturating_duration_since(Instant::now());
        let ask = asked.ask.within(left).no_fallback();
        self.step = Step::FallsBack(fallback.run(error, ask));
        None
    }

    /// The same inside a span. In a box, so that those who want no spans have smaller futures.
    pub(crate) fn in_span(
        shared: &'a Arc<Shared<C>>,
        by: &'static Location<'static>,
        ask: Ask,
    ) -> Self {
        let acquiring = Box::pin(span::acquire(shared, by, ask));
        Self { shared, step: Step::InSpan(acquiring), spare: None }
    }
}

#[cfg(feature = "rate-limit")]
impl<'a, C: Connector> Acquiring<'a, C> {
    /// What one does who gets no permit at once.
    fn held_back(
        &mut self,
        limits: &'a Limits,
        verdict: Verdict,
        request: Request,
    ) -> Option<Acquired<C>> {
        let ask = self.ask();
        let first = match verdict {
            Verdict::Wait(first) => first,
            Verdict::Refuse(error) => return Some(Err(not_passed(self.shared, &request, error))),
            Verdict::Pass => unreachable!("it is not held back"),
        };
        let deadline = deadline(request.since, limit(self.shared, &ask));
        // A permit would be of no use.
        if self.shared.core.is_tripped() {
            self.keep(ask, deadline);
            return self.fall_back(self.shared.circuit_open());
        }
        event!(debug, self.shared, { by = %request.by, }, "waiting for a permit");
        let permit = limits.pass(request.clone(), first, deadline);
        let asked = Asked { ask, deadline };
        self.step = Step::Held(Box::new(Held { request, asked, permit }));
        None
    }

    fn passed(&mut self, outcome: Result<(), Error>) -> Option<Acquired<C>> {
        let Step::Held(held) = std::mem::replace(&mut self.step, Step::Over) else { return None };
        let Held { request, asked, .. } = *held;
        if let Err(error) = outcome {
            return Some(Err(not_passed(self.shared, &request, error)));
        }
        // What it has waited for so far was no connection.
        let request = Request { since: Instant::now(), ..request };
        match take(self.shared, request) {
            Ok((request, Take::Lease(lease))) => Some(Ok(acquired(self.shared, request, lease))),
            Ok((request, _)) => {
                let limit = asked.deadline.saturating_duration_since(request.since);
                self.join(request, asked.ask, limit)
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(feature = "rate-limit")]
#[cold]
fn not_passed<C: Connector>(shared: &Shared<C>, request: &Request, error: Error) -> Error {
    let (tenant, tag) = (request.tenant_name(), request.marks.tag_name());
    event!(warn, shared, { by = %request.by, tenant, tag, reason = %error, }, "no permit");
    request.note_refused();
    error
}

impl<C: Connector> Future for Acquiring<'_, C> {
    type Output = Acquired<C>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(done) = this.begin() {
            return Poll::Ready(done);
        }
        #[cfg(feature = "rate-limit")]
        if let Step::Held(held) = &mut this.step {
            let outcome = ready!(held.permit.as_mut().poll(context));
            if let Some(done) = this.passed(outcome) {
                return Poll::Ready(done);
            }
        }
        if let Step::Waits(waiting) = &mut this.step {
            let served = ready!(waiting.poll(context));
            let done = match served {
                Ok(lease) => Some(Ok(acquired(this.shared, waiting.request().clone(), lease))),
                Err(error) => {
                    waiting.request().note_refused();
                    this.fall_back(error)
                }
            };
            if let Some(done) = done {
                this.step = Step::Over;
                return Poll::Ready(done);
            }
        }
        if let Step::InSpan(acquiring) = &mut this.step {
            return acquiring.as_mut().poll(context);
        }
        let Step::FallsBack(fallback) = &mut this.step else { panic!("polled after it was ready") };
        let done = ready!(fallback.as_mut().poll(context));
        this.shared.gate.relief.count_fallback(done.is_ok());
        this.step = Step::Over;
        Poll::Ready(done)
    }
}

fn acquired<C: Connector>(
    shared: &Arc<Shared<C>>,
    request: Request,
    lease: Lease<Item<C>>,
) -> Guard<C> {
    if let (Some(account), Some(since)) = (&request.marks.tag, lease.since) {
        account.served(since.saturating_duration_since(request.since));
    }
    if let Some(leaked) = &shared.gate.leaked {
        leaked.borrowed(lease.resource.id);
    }
    event!(debug, shared, {
        id = %lease.resource.id, by = %request.by, tenant = request.tenant_name(),
        tag = request.marks.tag_name(),
    }, "connection acquired");
    Guard::new(Arc::clone(shared), lease, request.marks.tag)
}

/// Borrows a connection if one can be had at once.
fn take<C: Connector>(
    shared: &Shared<C>,
    mut request: Request,
) -> Result<(Request, Take<Item<C>>), Error> {
    loop {
        match shared.core.take(&request, |live| shared.is_fresh(live, request.since)) {
            Take::Closed => return Err(Error::Closed),
            Take::Forgotten => request = shared.anew(request)?,
            Take::Wait => return Ok((request, Take::Wait)),
            Take::Lease(lease) => {
                shared.meters.waited(request.since, request.since);
                return Ok((request, Take::Lease(lease)));
            }
        }
    }
}

/// As [`Acquiring`], of one who does not wait.
pub(crate) fn try_acquire<C: Connector>(
    shared: &Arc<Shared<C>>,
    by: &'static Location<'static>,
    ask: &Ask,
) -> Acquired<C> {
    let request = request(shared, by, ask)?;
    #[cfg(feature = "rate-limit")]
    if let Some(limits) = &shared.gate.limits
        && let Verdict::Refuse(error) = limits.try_pass(&request, false)
    {
        return Err(not_passed(shared, &request, error));
    }
    match take(shared, request)? {
        (request, Take::Lease(lease)) => Ok(acquired(shared, request, lease).in_span(by)),
        (request, _) => Err(Error::NoneIdle { why: shared.why(Some(&request)) }),
    }
}

fn request<C: Connector>(
    shared: &Shared<C>,
    by: &'static Location<'static>,
    ask: &Ask,
) -> Result<Request, Error> {
    let tenant = ask.tenant.as_ref().map(|name| shared.tenancy(name)).transpose()?;
    let marks = shared.gate.marks(ask);
    Ok(Request { since: Instant::now(), by, priority: ask.priority, tenant, marks })
}

fn limit<C: Connector>(shared: &Shared<C>, ask: &Ask) -> Duration {
    ask.limit.unwrap_or(shared.settings.acquire_timeout)
}

/// A sum beyond the clock's range is no deadline at all; a century is none either.
pub(crate) fn deadline(since: Instant, limit: Duration) -> Instant {
    since.checked_add(limit).unwrap_or_else(|| since + Duration::from_secs(3_000_000_000))
}
