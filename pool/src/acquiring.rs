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
use crate::core::{Caller, Lease, Request, Take, Waiter};
use crate::error::Error;
use crate::event::event;
use crate::gate::Marks;
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
}

enum Step<'a, C: Connector> {
    Asked(&'static Location<'static>, Ask),
    /// Waits for a permit of a rate limit.
    #[cfg(feature = "rate-limit")]
    Held(Box<Held<'a>>),
    /// Waits for a connection; beside it what it takes to ask for one elsewhere, if there is a fallback.
    Waits(Waiting<'a, C>, Option<Box<Asked>>),
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
        Self { shared, step: Step::Asked(by, ask) }
    }

    /// The first step. What is done here is all that one does who finds what it wants; the rest is out of line.
    #[inline]
    fn begin(&mut self, context: &mut Context<'_>) -> Poll<Acquired<C>> {
        let Step::Asked(by, ask) = &self.step else { return self.go_on(context) };
        if self.shared.settings.observe.spans && !ask.is_in_span {
            return self.begin_in_span(context);
        }
        let mut request = match request(self.shared, by, ask) {
            Ok(request) => request,
            Err(error) => return self.fail(error),
        };
        #[cfg(feature = "rate-limit")]
        if let Some(limits) = &self.shared.gate.limits {
            match limits.try_pass(&request.caller, true) {
                Verdict::Pass => {}
                verdict => {
                    let done = self.held_back(limits, verdict, request);
                    return self.end_or_go_on(done, context);
                }
            }
        }
        match take(self.shared, &mut request) {
            Ok(Take::Lease(lease)) => {
                self.step = Step::Over;
                Poll::Ready(acquired(self.shared, request.since, &request.caller, lease))
            }
            Ok(_) => {
                let done = self.wait(request);
                self.end_or_go_on(done, context)
            }
            Err(error) => self.fail(error),
        }
    }

    #[cold]
    fn fail(&mut self, error: Error) -> Poll<Acquired<C>> {
        self.step = Step::Over;
        Poll::Ready(Err(error))
    }

    #[inline]
    fn end_or_go_on(
        &mut self,
        done: Option<Acquired<C>>,
        context: &mut Context<'_>,
    ) -> Poll<Acquired<C>> {
        match done {
            Some(done) => Poll::Ready(done),
            None => self.go_on(context),
        }
    }

    /// What one does who finds nothing to take. Answers what it has come to, unless there is something to wait
    /// for.
    #[inline]
    fn wait(&mut self, request: Request) -> Option<Acquired<C>> {
        let Step::Asked(_, ask) = &self.step else { return None };
        let limit = limit(self.shared, ask);
        let spare = if has_fallback(self.shared, ask) {
            let deadline = deadline(request.since, limit);
            Some(Box::new(Asked { ask: self.ask(), deadline }))
        } else {
            None
        };
        self.join(request, limit, spare)
    }

    /// Takes out how it was asked.
    #[cold]
    fn ask(&mut self) -> Ask {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::Asked(_, ask) => ask,
            _ => Ask::new(),
        }
    }

    #[inline]
    fn join(
        &mut self,
        request: Request,
        limit: Duration,
        spare: Option<Box<Asked>>,
    ) -> Option<Acquired<C>> {
        match Waiting::join(self.shared, request, limit) {
            Ok(waiting) => {
                self.step = Step::Waits(waiting, spare);
                None
            }
            Err(error) => self.fall_back(spare, error),
        }
    }

    /// Passes a caller on that got no connection here, if there is anywhere to. A pool that is closed by its
    /// owner is not left for another.
    #[cold]
    fn fall_back(&mut self, spare: Option<Box<Asked>>, error: Error) -> Option<Acquired<C>> {
        self.step = Step::Over;
        let relief = &self.shared.gate.relief;
        let (Some(asked), Some(fallback)) = (spare, relief.fallback.get()) else {
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

    /// Does the same inside a span. In a box, so that those who want no spans have smaller futures.
    #[cold]
    fn begin_in_span(&mut self, context: &mut Context<'_>) -> Poll<Acquired<C>> {
        if let Step::Asked(by, _) = self.step {
            let acquiring = span::acquire(self.shared, by, self.ask());
            self.step = Step::InSpan(Box::pin(acquiring));
        }
        self.go_on(context)
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
            Verdict::Refuse(error) => {
                return Some(Err(not_passed(self.shared, &request.caller, error)));
            }
            Verdict::Pass => unreachable!("it is not held back"),
        };
        let asked = Asked { deadline: deadline(request.since, limit(self.shared, &ask)), ask };
        // A permit would be of no use.
        if self.shared.core.is_tripped() {
            let spare = has_fallback(self.shared, &asked.ask).then(|| Box::new(asked));
            return self.fall_back(spare, self.shared.circuit_open());
        }
        event!(debug, self.shared, { by = %request.caller.by, }, "waiting for a permit");
        let permit = limits.pass(request.caller.clone(), first, asked.deadline);
        self.step = Step::Held(Box::new(Held { request, asked, permit }));
        None
    }

    fn passed(&mut self, outcome: Result<(), Error>) -> Option<Acquired<C>> {
        let Step::Held(held) = std::mem::replace(&mut self.step, Step::Over) else { return None };
        let Held { request, asked, .. } = *held;
        if let Err(error) = outcome {
            return Some(Err(not_passed(self.shared, &request.caller, error)));
        }
        // What it has waited for so far was no connection.
        let mut request = Request { since: Instant::now(), ..request };
        match take(self.shared, &mut request) {
            Ok(Take::Lease(lease)) => {
                Some(acquired(self.shared, request.since, &request.caller, lease))
            }
            Ok(_) => {
                let limit = asked.deadline.saturating_duration_since(request.since);
                let spare = has_fallback(self.shared, &asked.ask).then(|| Box::new(asked));
                self.join(request, limit, spare)
            }
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(feature = "rate-limit")]
#[cold]
fn not_passed<C: Connector>(shared: &Shared<C>, caller: &Caller, error: Error) -> Error {
    let (tenant, tag) = (caller.tenant_name(), caller.marks.tag_name());
    event!(warn, shared, { by = %caller.by, tenant, tag, reason = %error, }, "no permit");
    caller.note_refused();
    error
}

impl<C: Connector> Acquiring<'_, C> {
    /// Every step but the first.
    #[inline]
    fn go_on(&mut self, context: &mut Context<'_>) -> Poll<Acquired<C>> {
        #[cfg(feature = "rate-limit")]
        if let Step::Held(held) = &mut self.step {
            let outcome = ready!(held.permit.as_mut().poll(context));
            if let Some(done) = self.passed(outcome) {
                return Poll::Ready(done);
            }
        }
        if let Step::Waits(waiting, spare) = &mut self.step {
            match ready!(waiting.poll(context)) {
                Ok(lease) => {
                    let Waiter { since, caller, .. } = waiting.waiter();
                    // The step stays: its waiter knows that it was served, and is dropped once.
                    return Poll::Ready(acquired(self.shared, *since, caller, lease));
                }
                Err(error) => {
                    let spare = spare.take();
                    if let Some(done) = self.fall_back(spare, error) {
                        return Poll::Ready(done);
                    }
                }
            }
        }
        self.go_aside(context)
    }

    /// The steps of those who get no connection here, or want a span.
    #[inline(never)]
    fn go_aside(&mut self, context: &mut Context<'_>) -> Poll<Acquired<C>> {
        if let Step::InSpan(acquiring) = &mut self.step {
            return acquiring.as_mut().poll(context);
        }
        let Step::FallsBack(fallback) = &mut self.step else { panic!("polled after it was ready") };
        let done = ready!(fallback.as_mut().poll(context));
        self.shared.gate.relief.count_fallback(done.is_ok());
        self.step = Step::Over;
        Poll::Ready(done)
    }
}

impl<C: Connector> Future for Acquiring<'_, C> {
    type Output = Acquired<C>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.begin(context)
    }
}

#[inline]
fn acquired<C: Connector>(
    shared: &Arc<Shared<C>>,
    since: Instant,
    caller: &Caller,
    lease: Lease<Item<C>>,
) -> Acquired<C> {
    if let (Some(account), Some(served)) = (&caller.marks.tag, lease.since) {
        account.served(served.saturating_duration_since(since));
    }
    if let Some(leaked) = &shared.gate.leaked {
        leaked.borrowed(lease.resource.id);
    }
    event!(debug, shared, {
        id = %lease.resource.id, by = %caller.by, tenant = caller.tenant_name(),
        tag = caller.marks.tag_name(),
    }, "connection acquired");
    Ok(Guard::new(Arc::clone(shared), lease, caller.marks.tag.clone()))
}

/// Borrows a connection if one can be had at once.
#[inline]
fn take<C: Connector>(shared: &Shared<C>, request: &mut Request) -> Result<Take<Item<C>>, Error> {
    loop {
        match shared.core.take(request, |live| shared.is_fresh(live, request.since)) {
            Take::Closed => return Err(Error::Closed),
            Take::Forgotten => shared.look_up_anew(&mut request.caller)?,
            Take::Wait => return Ok(Take::Wait),
            Take::Lease(lease) => {
                shared.meters.waited(request.since, request.since);
                return Ok(Take::Lease(lease));
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
    let mut request = request(shared, by, ask)?;
    #[cfg(feature = "rate-limit")]
    if let Some(limits) = &shared.gate.limits
        && let Verdict::Refuse(error) = limits.try_pass(&request.caller, false)
    {
        return Err(not_passed(shared, &request.caller, error));
    }
    match take(shared, &mut request)? {
        Take::Lease(lease) => {
            acquired(shared, request.since, &request.caller, lease).map(|guard| guard.in_span(by))
        }
        _ => Err(Error::NoneIdle { why: shared.why(Some(&request.caller)) }),
    }
}

fn request<C: Connector>(
    shared: &Shared<C>,
    by: &'static Location<'static>,
    ask: &Ask,
) -> Result<Request, Error> {
    let caller = Caller { by, tenant: None, marks: Marks::default() };
    let mut request = Request { since: Instant::now(), priority: ask.priority, caller };
    if ask.tenant.is_some() || ask.tag.is_some() || shared.gate.leaked.is_some() {
        mark(shared, ask, &mut request.caller)?;
    }
    Ok(request)
}

/// Looks up what is known about one who asks. Out of line, for those about whom nothing is.
#[inline(never)]
fn mark<C: Connector>(shared: &Shared<C>, ask: &Ask, caller: &mut Caller) -> Result<(), Error> {
    caller.tenant = ask.tenant.as_ref().map(|name| shared.tenancy(name)).transpose()?;
    caller.marks = shared.gate.marks(ask);
    Ok(())
}

/// Whether one who gets no connection here is passed on.
fn has_fallback<C: Connector>(shared: &Shared<C>, ask: &Ask) -> bool {
    shared.gate.relief.fallback.get().is_some() && !ask.is_for_here
}

fn limit<C: Connector>(shared: &Shared<C>, ask: &Ask) -> Duration {
    ask.limit.unwrap_or(shared.settings.acquire_timeout)
}

/// A sum beyond the clock's range is no deadline at all; a century is none either.
pub(crate) fn deadline(since: Instant, limit: Duration) -> Instant {
    since.checked_add(limit).unwrap_or_else(|| since + Duration::from_secs(3_000_000_000))
}
