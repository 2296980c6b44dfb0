//! The state under its lock, and the queue with it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use concurrent_ordered_map::Pinned;

use super::{Core, State, Turn, Waiter};
use crate::sync::MutexGuard;

/// The lock, within a session of the queue.
///
/// The session begins before the lock is taken and ends after it is free, for that is when the map may drop
/// what was removed from any map of the process: perhaps a guard of this pool, which wants the lock.
pub(super) struct Locked<'a, R: Send + 'static> {
    // Dropped first.
    state: MutexGuard<'a, State<R>>,
    /// `None`: nobody waited when the lock was taken, and it was taken to serve whoever waits.
    queue: Option<Pinned<'a, Turn, Arc<Waiter<R>>>>,
}

impl<R: Send + 'static> Core<R> {
    /// Locks the state, for those who touch the queue too.
    pub(super) fn lock(&self) -> Locked<'_, R> {
        let queue = Some(self.queue.pin());
        Locked { state: self.state.lock(), queue }
    }

    /// As [`lock`](Self::lock), for those who only [`pop`](Locked::pop): mostly nobody waits, and then there
    /// is no need for a session, which costs about as much as the lock.
    pub(super) fn lock_to_serve(&self) -> Locked<'_, R> {
        let state = self.state.lock();
        if state.waiting == 0 {
            return Locked { state, queue: None };
        }
        drop(state);
        self.lock()
    }
}

impl<R: Send + 'static> Locked<'_, R> {
    fn session(&self) -> &Pinned<'_, Turn, Arc<Waiter<R>>> {
        self.queue.as_ref().expect("who touches the queue has locked it, or nobody waits")
    }

    /// Puts one who waits into the queue.
    pub(super) fn push(&mut self, turn: Turn, waiter: Arc<Waiter<R>>) {
        self.session().insert(turn, waiter);
        self.state.waiting += 1;
    }

    /// Takes the first who waits off the queue.
    pub(super) fn pop(&mut self) -> Option<Arc<Waiter<R>>> {
        if self.state.waiting == 0 {
            return None;
        }
        let waiter = self.session().pop_first().map(|(_, waiter)| Arc::clone(waiter))?;
        self.state.waiting -= 1;
        Some(waiter)
    }

    /// Takes one who waits off the queue, wherever it stands. `None` if it was taken off before.
    pub(super) fn remove(&mut self, turn: Turn) -> Option<Arc<Waiter<R>>> {
        let waiter = self.session().remove(&turn).map(Arc::clone)?;
        self.state.waiting -= 1;
        Some(waiter)
    }

    /// Who came before a ticket was drawn.
    pub(super) fn before(&self, ticket: u64) -> Vec<Turn> {
        self.session().keys().filter(|turn| turn.1 < ticket).copied().collect()
    }
}

impl<R: Send + 'static> Deref for Locked<'_, R> {
    type Target = State<R>;

    fn deref(&self) -> &State<R> {
        &self.state
    }
}

impl<R: Send + 'static> DerefMut for Locked<'_, R> {
    fn deref_mut(&mut self) -> &mut State<R> {
        &mut self.state
    }
}
