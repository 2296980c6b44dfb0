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
    queue: Pinned<'a, Turn, Arc<Waiter<R>>>,
}

impl<R: Send + 'static> Core<R> {
    /// Locks the state, for those who touch the queue too.
    pub(super) fn lock(&self) -> Locked<'_, R> {
        let queue = self.queue.pin();
        Locked { state: self.state.lock(), queue }
    }
}

impl<R: Send + 'static> Locked<'_, R> {
    /// Puts one who waits into the queue.
    pub(super) fn push(&mut self, turn: Turn, waiter: Arc<Waiter<R>>) {
        self.queue.insert(turn, waiter);
        self.state.waiting += 1;
    }

    /// Takes the first who waits off the queue.
    pub(super) fn pop(&mut self) -> Option<Arc<Waiter<R>>> {
        if self.state.waiting == 0 {
            return None;
        }
        let waiter = self.queue.pop_first().map(|(_, waiter)| Arc::clone(waiter))?;
        self.state.waiting -= 1;
        Some(waiter)
    }

    /// Takes one who waits off the queue, wherever it stands. `None` if it was taken off before.
    pub(super) fn remove(&mut self, turn: Turn) -> Option<Arc<Waiter<R>>> {
        let waiter = self.queue.remove(&turn).map(Arc::clone)?;
        self.state.waiting -= 1;
        Some(waiter)
    }

    /// Who came before a ticket was drawn.
    pub(super) fn before(&self, ticket: u64) -> Vec<Turn> {
        self.queue.keys().filter(|turn| turn.1 < ticket).copied().collect()
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
