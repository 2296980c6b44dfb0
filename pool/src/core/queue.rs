//! Who waits, in the order in which they are served.
//!
//! Not a map. The lock is held when a place is taken or given, so nothing here needs to be lock-free, and a
//! queue that only grows at its end needs no search: with `ConcurrentOrderedMap` in its place, 500 tasks over
//! ten connections were served 0.95 million times a second, with these lines 2.4 million, and by deadpool
//! 2.3 million in the same rounds (two cores, one yield while a connection is held). A map's session and the
//! two nodes that it makes and frees for each waiter are what it costs. The registry and the expiry index,
//! which are searched and read beside others, are maps.

use std::sync::Arc;

use tokio::time::Instant;

use super::Waiter;
use super::lines::Lines;
use crate::ask::{Ageing, Priority};

/// A place in the queue: by priority, then in the order of arrival.
pub(crate) type Turn = (Priority, u64);

pub(super) struct Queue<R> {
    lines: Lines<R>,
    ageing: Option<Ageing>,
    next_ticket: u64,
}

impl<R> Queue<R> {
    pub(super) fn new(ageing: Option<Ageing>) -> Self {
        Self { lines: Lines::new(), ageing, next_ticket: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The ticket that the next to come will get.
    pub(super) fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    pub(super) fn push(&mut self, priority: Priority, waiter: Arc<Waiter<R>>) -> Turn {
        let turn = (priority, self.next_ticket);
        self.next_ticket += 1;
        self.lines.push(priority, turn.1, waiter);
        turn
    }

    /// Takes off the first.
    pub(super) fn pop(&mut self) -> Option<Arc<Waiter<R>>> {
        self.lines.pop(self.ageing.as_ref())
    }

    /// Takes off one, wherever it stands. `None` if it was taken off before.
    pub(super) fn remove(&mut self, (priority, ticket): Turn) -> Option<Arc<Waiter<R>>> {
        self.lines.remove(priority, ticket)
    }

    /// Takes off all of those who are `chosen`, by ticket and waiter.
    pub(super) fn take(&mut self, chosen: impl Fn(u64, &Waiter<R>) -> bool) -> Vec<Arc<Waiter<R>>> {
        let mut taken = Vec::new();
        self.lines.take(chosen, &mut taken);
        taken
    }

    /// When the next of those who wait runs out of time.
    pub(super) fn earliest_deadline(&self) -> Option<Instant> {
        self.lines.iter().map(|waiter| waiter.deadline).min()
    }
}
