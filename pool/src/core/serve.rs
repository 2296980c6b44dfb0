//! Taking, waiting, giving back: what borrowers do.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{
    Caller, Core, GivenBack, Lease, Refusal, Request, Stage, State, Take, Turn, Waiter, wake,
};
use crate::reason::Reason;
use crate::sync::{MutexGuard, Ordering};

/// A place in the queue, and what there is to do for one who has just joined it.
pub(crate) struct Place<R> {
    pub(crate) turn: Turn,
    pub(crate) waiter: Arc<Waiter<R>>,
    /// [`Core::supply`] has something to do (C6).
    pub(crate) is_to_supply: bool,
    /// [`Core::send_late_away`] is to be called earlier than it was said to: at this one's deadline.
    pub(crate) is_first_to_go: bool,
}

impl<R> Core<R> {
    /// Takes the lowest idle resource, if nobody waits who could have it, the tenant may have it (C4), and it is
    /// `fresh`: it may be handed out as it is.
    #[inline]
    pub(crate) fn take(&self, request: &Request, fresh: impl FnOnce(&R) -> bool) -> Take<R> {
        // Ordering: Relaxed; see `note_crowd`.
        if self.is_crowded.load(Ordering::Relaxed) {
            return Take::Wait;
        }
        let mut state = self.state.lock();
        if state.closed {
            return Take::Closed;
        }
        if !state.queue.is_open(&request.caller) {
            return Take::Forgotten;
        }
        let is_next = state.queue.claims() == 0 && state.queue.has_room(&request.caller);
        let Some(slot) = state.idle.first().filter(|_| is_next) else {
            return Take::Wait;
        };
        match &state.slots[slot].stage {
            Stage::Idle(resource) if fresh(resource) => {}
            _ => return Take::Wait,
        }
        let lease = state.take_idle(slot, Stage::Lent);
        state.note_loan(slot, request.since, &request.caller);
        drop(state);
        self.note_wait(slot, &request.caller, Duration::ZERO);
        Take::Lease(Lease { since: Some(request.since), ..lease })
    }

    /// Joins the queue, until the deadline. Whoever is refused at once has its request back.
    #[inline]
    pub(crate) fn join(
        &self,
        request: Request,
        deadline: Instant,
    ) -> Result<Place<R>, (Refusal, Arc<Waiter<R>>)> {
        let priority = request.priority;
        let waiter = Arc::new(Waiter::new(request, deadline));
        let mut state = self.state.lock();
        if state.closed {
            return Err((Refusal::Closed, waiter));
        }
        if state.tripped {
            return Err((Refusal::Tripped, waiter));
        }
        if !state.queue.is_open(&waiter.caller) {
            return Err((Refusal::Forgotten, waiter));
        }
        let turn = state.queue.push(priority, &waiter);
        self.note_crowd(&state);
        let is_first_to_go = state.alarm.is_none_or(|alarm| deadline < alarm);
        if is_first_to_go {
            state.alarm = Some(deadline);
        }
        Ok(Place { turn, waiter, is_to_supply: state.can_supply(), is_first_to_go })
    }

    /// Sends away those whose deadline has come. Answers when to call this next.
    pub(crate) fn send_late_away(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state.lock();
        let late = state.queue.take(|_, waiter| waiter.deadline <= now);
        let next = state.queue.earliest_deadline();
        state.alarm = next;
        self.note_crowd(&state);
        drop(state);
        self.refuse(late, &Refusal::Late);
        next
    }

    /// What a future that waits does when it is polled.
    #[inline]
    pub(crate) fn poll(
        &self,
        waiter: &Waiter<R>,
        context: &Context<'_>,
    ) -> Poll<Result<Lease<R>, Refusal>> {
        let polled = waiter.poll(context);
        if let Poll::Ready(Ok(Lease { slot, since: Some(since), .. })) = &polled {
            let waited = since.saturating_duration_since(waiter.since);
            self.note_wait(*slot, &waiter.caller, waited);
        }
        polled
    }

    #[inline]
    fn note_wait(&self, slot: usize, caller: &Caller, waited: Duration) {
        self.timings[slot].wait.record(waited);
        if let Some(tenant) = &caller.tenant {
            tenant.note_wait(waited);
        }
    }

    /// Leaves the queue. Answers what was handed over meanwhile, which the caller has to give back (C5).
    pub(crate) fn leave(&self, turn: Turn, waiter: &Waiter<R>) -> Option<Lease<R>> {
        let mut state = self.state.lock();
        let left = state.queue.remove(turn);
        self.note_crowd(&state);
        drop(state);
        drop(left);
        waiter.unclaimed()
    }

    /// Passes on what was checked, or handed to one who had left: to the first who waits, or to the idle.
    pub(crate) fn pass_on(&self, lease: Lease<R>, now: Instant) -> GivenBack<R> {
        self.settle(self.state.lock(), lease, now, true)
    }

    /// Gives back what was inspected.
    pub(crate) fn inspected(&self, lease: Lease<R>, now: Instant) -> GivenBack<R> {
        self.settle(self.state.lock(), lease, now, !self.prepares)
    }

    /// Gives back what was used, and counts for how long.
    #[inline]
    pub(crate) fn give_back(&self, lease: Lease<R>, now: Instant) -> GivenBack<R> {
        if let Some(since) = lease.since {
            self.timings[lease.slot].used.record(now.saturating_duration_since(since));
        }
        self.settle(self.state.lock(), lease, now, !self.prepares)
    }

    /// The one place where a resource finds its next owner (C4, C7): the first who waits, if it `is_ready` to
    /// be lent (C11), or the idle.
    #[inline]
    fn settle(
        &self,
        mut state: MutexGuard<'_, State<R>>,
        lease: Lease<R>,
        now: Instant,
        is_ready: bool,
    ) -> GivenBack<R> {
        let slot = lease.slot;
        if let Some(reason) = state.why_unwanted(slot) {
            state.put(slot, Stage::Retiring);
            self.note_crowd(&state);
            return GivenBack::Retire(lease, reason);
        }
        let waker = if is_ready {
            state.hand_over(lease, now)
        } else {
            state.put(slot, Stage::Idle(lease.resource));
            None
        };
        self.note_crowd(&state);
        drop(state);
        wake(waker);
        GivenBack::Kept
    }

    /// Puts a resource that was just made into its slot, which is at [`Stage::Connecting`].
    pub(crate) fn fill(&self, slot: usize, resource: R, now: Instant) -> GivenBack<R> {
        let mut state = self.state.lock();
        state.failing = false;
        state.prober = None;
        self.settle(state, Lease { slot, since: None, resource }, now, true)
    }

    /// Marks a resource that its holder is going to close. The caller calls [`supply`](Self::supply) next (C6).
    pub(crate) fn retire(&self, slot: usize, now: Instant) {
        let mut state = self.state.lock();
        let since = state.slots[slot].hold.as_ref().map(|hold| hold.since);
        state.put(slot, Stage::Retiring);
        self.note_crowd(&state);
        drop(state);
        if let Some(since) = since {
            self.timings[slot].used.record(now.saturating_duration_since(since));
        }
    }

    /// Takes out the idle resource of `slot`, if there is one and it is `chosen`, to be closed.
    pub(crate) fn retire_idle(
        &self,
        slot: usize,
        chosen: impl FnOnce(&R) -> bool,
    ) -> Option<Lease<R>> {
        self.state.lock().take_idle_if(slot, Stage::Retiring, chosen)
    }

    /// Takes out the idle resource of `slot`, if there is one and it is `chosen`, for a look at it for which
    /// nobody waits. At least `others` stay idle.
    pub(crate) fn inspect_idle(
        &self,
        slot: usize,
        others: usize,
        chosen: impl FnOnce(&R) -> bool,
    ) -> Option<Lease<R>> {
        let mut state = self.state.lock();
        if state.idle.len() <= others {
            return None;
        }
        state.take_idle_if(slot, Stage::Inspecting, chosen)
    }

    /// Empties a slot whose resource is gone or was never made. The caller calls [`supply`](Self::supply)
    /// next (C6).
    pub(crate) fn vacate(&self, slot: usize) {
        let mut state = self.state.lock();
        if state.prober == Some(slot) {
            state.prober = None;
        }
        state.put(slot, Stage::Empty);
    }
}

impl<R> State<R> {
    fn take_idle_if(
        &mut self,
        slot: usize,
        stage: Stage<R>,
        chosen: impl FnOnce(&R) -> bool,
    ) -> Option<Lease<R>> {
        match &self.slots[slot].stage {
            Stage::Idle(resource) if chosen(resource) => Some(self.take_idle(slot, stage)),
            _ => None,
        }
    }

    /// Why what is in a slot becomes nobody's.
    #[inline]
    fn why_unwanted(&self, slot: usize) -> Option<Reason> {
        if self.closed {
            Some(Reason::Shutdown)
        } else if self.slots[slot].generation != self.generation {
            Some(self.outdated)
        } else if self.is_beyond() {
            Some(Reason::Surplus)
        } else {
            None
        }
    }

    /// To the first who waits, or to the idle. Answers whom to wake.
    #[inline]
    pub(super) fn hand_over(&mut self, lease: Lease<R>, now: Instant) -> Option<Waker> {
        let slot = lease.slot;
        if self.queue.has_tenants() {
            // Who is next depends on what tenants have: the loan ends first, if it was one (C8).
            self.put(slot, Stage::Retiring);
        }
        let Some(waiter) = self.queue.pop(self.lent) else {
            self.put(slot, Stage::Idle(lease.resource));
            return None;
        };
        // From borrower to borrower there is nothing to count.
        if !matches!(self.slots[slot].stage, Stage::Lent) {
            self.put(slot, Stage::Lent);
        }
        self.note_loan(slot, now, &waiter.caller);
        waiter.give(Lease { since: Some(now), ..lease })
    }
}
