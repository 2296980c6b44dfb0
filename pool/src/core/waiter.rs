//! One who waits, and the cell into which a hand-off puts the resource.

use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::{Caller, Lease, Refusal, Request};
use crate::sync::Mutex;

/// What a waiter has got so far.
enum Gift<R> {
    /// Nothing, and this is whom to wake.
    Nothing(Option<Waker>),
    Lease(Lease<R>),
    Refusal(Refusal),
    /// It was taken out.
    Taken,
}

/// Shared by the queue and by the future that waits.
pub(crate) struct Waiter<R> {
    pub(crate) since: Instant,
    pub(crate) deadline: Instant,
    pub(crate) caller: Caller,
    gift: Mutex<Gift<R>>,
}

impl<R> Waiter<R> {
    pub(crate) fn new(request: Request, deadline: Instant) -> Self {
        let Request { since, caller, .. } = request;
        Self { since, deadline, caller, gift: Mutex::new(Gift::Nothing(None)) }
    }

    /// Puts the resource in. Answers whom to wake, once no lock is held.
    #[inline]
    pub(crate) fn give(&self, lease: Lease<R>) -> Option<Waker> {
        self.put(Gift::Lease(lease))
    }

    /// Sends the waiter away with an error. Answers whom to wake.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Option<Waker> {
        self.put(Gift::Refusal(refusal))
    }

    #[inline]
    fn put(&self, gift: Gift<R>) -> Option<Waker> {
        match std::mem::replace(&mut *self.gift.lock(), gift) {
            Gift::Nothing(waker) => waker,
            // Whoever puts something in has taken the waiter off the queue first (C5).
            _ => unreachable!("a waiter is served once"),
        }
    }

    /// What has come, or whom to wake when it does. [`Core::poll`](super::Core::poll) counts it, too.
    #[inline]
    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Result<Lease<R>, Refusal>> {
        let mut gift = self.gift.lock();
        if let Gift::Nothing(waker) = &mut *gift {
            match waker {
                Some(waker) if waker.will_wake(context.waker()) => {}
                _ => *waker = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        match std::mem::replace(&mut *gift, Gift::Taken) {
            Gift::Lease(lease) => Poll::Ready(Ok(lease)),
            Gift::Refusal(refusal) => Poll::Ready(Err(refusal)),
            Gift::Nothing(_) | Gift::Taken => unreachable!("polled after it was ready"),
        }
    }

    /// Whether there is something for it.
    #[cfg(all(test, not(pool_loom)))]
    pub(super) fn is_served(&self) -> bool {
        !matches!(*self.gift.lock(), Gift::Nothing(_))
    }

    /// Takes out a resource that was handed over and never picked up.
    pub(crate) fn unclaimed(&self) -> Option<Lease<R>> {
        match std::mem::replace(&mut *self.gift.lock(), Gift::Taken) {
            Gift::Lease(lease) => Some(lease),
            _ => None,
        }
    }
}
