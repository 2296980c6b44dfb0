//! Who waits, in the order in which they are served.
//!
//! Not a map. The lock is held when a place is taken or given, so nothing here needs to be lock-free, and a
//! queue that only grows at its end needs no search: with `ConcurrentOrderedMap` in its place, 500 tasks over
//! ten connections were served 0.95 million times a second, with these lines 2.4 million, and by deadpool
//! 2.3 million in the same rounds (two cores, one yield while a connection is held). A map's session and the
//! two nodes that it makes and frees for each waiter are what it costs. The registry and the expiry index,
//! which are searched and read beside others, are maps.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::Waiter;
use crate::ask::Priority;

/// A place in the queue: by priority, then in the order of arrival.
pub(crate) type Turn = (Priority, u64);

/// How many priorities there are.
const LINES: usize = 3;

/// One line for each priority. In each, tickets ascend.
pub(super) struct Queue<R> {
    lines: [VecDeque<(u64, Arc<Waiter<R>>)>; LINES],
    len: usize,
    next_ticket: u64,
}

impl<R> Queue<R> {
    pub(super) fn new() -> Self {
        Self { lines: std::array::from_fn(|_| VecDeque::new()), len: 0, next_ticket: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The ticket that the next to come will get.
    pub(super) fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    pub(super) fn push(&mut self, priority: Priority, waiter: Arc<Waiter<R>>) -> Turn {
        let turn = (priority, self.next_ticket);
        self.next_ticket += 1;
        self.len += 1;
        self.lines[priority as usize].push_back((turn.1, waiter));
        turn
    }

    /// Takes off the first.
    pub(super) fn pop(&mut self) -> Option<Arc<Waiter<R>>> {
        let (_, waiter) = self.lines.iter_mut().find_map(VecDeque::pop_front)?;
        self.len -= 1;
        Some(waiter)
    }

    /// Takes off one, wherever it stands. `None` if it was taken off before.
    pub(super) fn remove(&mut self, (priority, ticket): Turn) -> Option<Arc<Waiter<R>>> {
        let line = &mut self.lines[priority as usize];
        let at = line.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        let (_, waiter) = line.remove(at)?;
        self.len -= 1;
        Some(waiter)
    }

    /// Takes off all of those who are `chosen`, by ticket and waiter.
    pub(super) fn take(&mut self, chosen: impl Fn(u64, &Waiter<R>) -> bool) -> Vec<Arc<Waiter<R>>> {
        let mut taken = Vec::new();
        for line in &mut self.lines {
            line.retain(|(ticket, waiter)| {
                let stays = !chosen(*ticket, waiter);
                if !stays {
                    taken.push(Arc::clone(waiter));
                }
                stays
            });
        }
        self.len -= taken.len();
        taken
    }

    /// When the next of those who wait runs out of time.
    pub(super) fn earliest_deadline(&self) -> Option<Instant> {
        self.lines.iter().flatten().map(|(_, waiter)| waiter.deadline).min()
    }
}
