//! Taking, waiting, giving back: what borrowers do.

use std::sync::Arc;
use std::task::Waker;

use tokio::time::Instant;

use super::{
    Core, GivenBack, Hold, Lease, Locked, Refusal, Request, Stage, Take, Turn, Waiter, wake,
};
use crate::reason::Reason;

impl<R: Send + 'static> Core<R> {
    /// Takes the lowest idle resource, if nobody waits (C4) and it is `fresh`: it may be handed out as it is.
    pub(crate) fn take(&self, request: Request, fresh: impl FnOnce(&R) -> bool) -> Take<R> {
        let mut state = self.state.lock();
        if state.closed {
            return Take::Closed;
        }
        let Some(slot) = state.idle.first().filter(|_| state.waiting == 0) else {
            return Take::Wait;
        };
        match &state.slots[slot].stage {
            Stage::Idle(resource) if fresh(resource) => {}
            _ => return Take::Wait,
        }
        state.tally.wait.record(std::time::Duration::ZERO);
        let hold = Hold { since: request.since, by: request.by };
        Take::Lease(state.take_idle(slot, Stage::Lent(hold)))
    }

    /// Joins the queue. The caller calls [`supply`](Self::supply) next (C6).
    pub(crate) fn join(&self, request: Request) -> Result<(Turn, Arc<Waiter<R>>), Refusal> {
        let waiter = Arc::new(Waiter::new(request.since, request.by));
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        let turn = (request.priority, state.next_ticket);
        state.next_ticket += 1;
        state.push(turn, Arc::clone(&waiter));
        Ok((turn, waiter))
    }

    /// Leaves the queue. Answers what was handed over meanwhile, which the caller has to give back (C5).
    pub(crate) fn leave(&self, turn: Turn, waiter: &Waiter<R>) -> Option<Lease<R>> {
        drop(self.lock().remove(turn));
        waiter.unclaimed()
    }

    /// Passes on what was checked, or handed to one who had left: to the first who waits, or to the idle.
    pub(crate) fn pass_on(&self, lease: Lease<R>, now: Instant) -> GivenBack<R> {
        let mut state = self.lock_to_serve();
        let (given, waker) = self.settle(&mut state, lease, now);
        drop(state);
        wake(waker);
        given
    }

    /// Gives back what was used, and counts for how long.
    pub(crate) fn give_back(&self, lease: Lease<R>, now: Instant) -> GivenBack<R> {
        let mut state = self.lock_to_serve();
        if let Stage::Lent(hold) = &state.slots[lease.slot].stage {
            let used = now.saturating_duration_since(hold.since);
            state.tally.used.record(used);
        }
        let (given, waker) = self.settle(&mut state, lease, now);
        drop(state);
        wake(waker);
        given
    }

    /// Puts a resource that was just made into its slot, which is at [`Stage::Connecting`].
    pub(crate) fn fill(&self, slot: usize, resource: R, now: Instant) -> GivenBack<R> {
        let mut state = self.lock_to_serve();
        state.failing = false;
        state.prober = None;
        let (given, waker) = self.settle(&mut state, Lease { slot, resource }, now);
        drop(state);
        wake(waker);
        given
    }

    /// The one place where a resource finds its next owner (C4, C7).
    fn settle(
        &self,
        state: &mut Locked<'_, R>,
        lease: Lease<R>,
        now: Instant,
    ) -> (GivenBack<R>, Option<Waker>) {
        let slot = lease.slot;
        let outdated = state.slots[slot].generation != state.generation;
        if state.closed || outdated {
            let reason = if state.closed { Reason::Shutdown } else { state.outdated };
            state.put(slot, Stage::Retiring);
            return (GivenBack::Retire(lease, reason), None);
        }
        (GivenBack::Kept, self.hand_over(state, lease, now))
    }

    /// To the first who waits, or to the idle. Answers whom to wake.
    pub(super) fn hand_over(
        &self,
        state: &mut Locked<'_, R>,
        lease: Lease<R>,
        now: Instant,
    ) -> Option<Waker> {
        let slot = lease.slot;
        let Some(waiter) = state.pop() else {
            state.put(slot, Stage::Idle(lease.resource));
            return None;
        };
        state.tally.wait.record(now.saturating_duration_since(waiter.since));
        state.put(slot, Stage::Lent(Hold { since: now, by: waiter.by }));
        waiter.give(lease)
    }

    /// Marks a resource that its holder is going to close.
    pub(crate) fn retire(&self, slot: usize, now: Instant) {
        let mut state = self.state.lock();
        if let Stage::Lent(hold) = &state.slots[slot].stage {
            let used = now.saturating_duration_since(hold.since);
            state.tally.used.record(used);
        }
        state.put(slot, Stage::Retiring);
    }

    /// Takes out the idle resource of `slot`, if there is one and it is `chosen`, to be closed.
    pub(crate) fn retire_idle(
        &self,
        slot: usize,
        chosen: impl FnOnce(&R) -> bool,
    ) -> Option<Lease<R>> {
        let mut state = self.state.lock();
        match &state.slots[slot].stage {
            Stage::Idle(resource) if chosen(resource) => {
                Some(state.take_idle(slot, Stage::Retiring))
            }
            _ => None,
        }
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
