//! Making and checking resources for those who wait: what is to be done, and what a failure means.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Core, Lease, Refusal, Stage, State, Waiter, wake};
use crate::error::Cause;

/// What is to be done for a waiter. It goes to whoever is first when it is done, not to the one whose coming
/// started it: so nothing is wasted when that one gives up.
pub(crate) enum Job<R> {
    /// Make a resource for this slot, which is at [`Stage::Connecting`].
    Connect(usize),
    /// See whether this idle resource still works. Its slot is at [`Stage::Checking`].
    Check(Lease<R>),
}

/// What is to be done after an attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// This slot is the one that keeps trying.
    Probe,
    /// Another one does; this slot was emptied.
    Stop,
}

impl<R> Core<R> {
    /// The next thing to do for those who wait, until there is nothing more to do (C6). Idle resources that
    /// are `fresh` are handed over on the way. One that is idle is checked even if one is being made: that is
    /// quicker, and whoever comes next is glad of the other.
    pub(crate) fn supply(&self, now: Instant, fresh: impl Fn(&R) -> bool) -> Option<Job<R>> {
        loop {
            let mut state = self.state.lock();
            let being_checked = state.supplying - state.connecting;
            if state.queue.claims() <= being_checked {
                return None;
            }
            let Some(slot) = state.idle.first() else {
                let enough = state.queue.claims() <= state.supplying;
                return if enough { None } else { state.reserve().map(Job::Connect) };
            };
            let is_fresh =
                matches!(&state.slots[slot].stage, Stage::Idle(resource) if fresh(resource));
            if !is_fresh {
                return Some(Job::Check(state.take_idle(slot, Stage::Checking)));
            }
            let lease = state.take_idle(slot, Stage::Retiring);
            let waker = state.hand_over(lease, now);
            self.note_crowd(&state);
            drop(state);
            wake(waker);
        }
    }

    /// Reserves a slot if fewer than `limit` are taken, for a resource that nobody waits for yet.
    pub(crate) fn reserve_below(&self, limit: usize) -> Option<usize> {
        let mut state = self.state.lock();
        if state.open() >= limit { None } else { state.reserve() }
    }

    /// Reserves a slot for those who wait, if less is under way than they are, even if others are idle: these
    /// may turn out to be as unfit as the one that was.
    pub(crate) fn reserve_in_place(&self) -> Option<usize> {
        let mut state = self.state.lock();
        if state.queue.claims() <= state.supplying { None } else { state.reserve() }
    }

    /// The ticket that the next to come will get: the time before which others came.
    pub(crate) fn next_ticket(&self) -> u64 {
        self.state.lock().queue.next_ticket()
    }

    /// Notes that the making of a resource for `slot` has failed. While that goes on, one slot probes. If
    /// there is no resource that could come back, those who came before the attempt began (`before`) are sent
    /// away with the cause: they have seen a whole attempt fail, and waiting longer would only hide why.
    pub(crate) fn connect_failed(&self, slot: usize, before: u64, cause: &Cause) -> AfterFailure {
        let mut state = self.state.lock();
        state.failing = true;
        let after = match *state.prober.get_or_insert(slot) {
            prober if prober == slot => AfterFailure::Probe,
            _ => AfterFailure::Stop,
        };
        if after == AfterFailure::Stop {
            state.put(slot, Stage::Empty);
        }
        let refused = if state.counts().live() == 0 {
            state.queue.take(|ticket, _| ticket < before)
        } else {
            vec![]
        };
        self.note_crowd(&state);
        drop(state);
        self.refuse(refused, &Refusal::Connect(Arc::clone(cause)));
        after
    }

    /// Whether the slot that probes has anybody to do it for: someone who waits, or the minimum.
    pub(crate) fn is_wanted(&self, min: usize) -> bool {
        let state = self.state.lock();
        !state.closed && (state.queue.claims() > 0 || state.counts().live() < min)
    }
}

impl<R> State<R> {
    /// Whether [`Core::supply`] has anything to do.
    pub(super) fn can_supply(&self) -> bool {
        let being_checked = self.supplying - self.connecting;
        let more = self.queue.claims() > being_checked && self.idle.len() > 0;
        more || (self.queue.claims() > self.supplying && self.can_reserve())
    }

    fn can_reserve(&self) -> bool {
        let is_probed = self.failing && self.connecting > 0;
        !self.closed && !is_probed && self.open() < self.limit
    }

    /// Reserves the lowest empty slot (C1). While connecting fails, only one at a time.
    fn reserve(&mut self) -> Option<usize> {
        if !self.can_reserve() {
            return None;
        }
        let slot = self.empty.first()?;
        self.put(slot, Stage::Connecting);
        self.slots[slot].generation = self.generation;
        Some(slot)
    }
}

impl<R> std::fmt::Debug for Waiter<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiter").field("caller", &self.caller).finish_non_exhaustive()
    }
}
