//! Who waits for one account, in the order in which they are served: by priority, with ageing.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::Waiter;
use crate::ask::{Ageing, Priority};

/// Whose lines there are, in their order.
const PRIORITIES: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

/// One line for each priority. In each, tickets ascend.
pub(super) struct Lines<R> {
    lines: [VecDeque<(u64, Arc<Waiter<R>>)>; PRIORITIES.len()],
    /// Of all lines.
    len: usize,
}

impl<R> Lines<R> {
    pub(super) fn new() -> Self {
        Self { lines: std::array::from_fn(|_| VecDeque::new()), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn push(&mut self, priority: Priority, ticket: u64, waiter: Arc<Waiter<R>>) {
        self.lines[priority as usize].push_back((ticket, waiter));
        self.len += 1;
    }

    /// Takes off the first. Looks at the heads only: whoever is behind came later, in the same line.
    #[inline]
    pub(super) fn pop(&mut self, ageing: Option<&Ageing>) -> Option<Arc<Waiter<R>>> {
        let mut first = self.lines.iter().position(|line| !line.is_empty())?;
        if let Some(ageing) = ageing
            && self.lines[first].len() < self.len
        {
            // Ties go to the higher priority, which is looked at first.
            for other in first + 1..PRIORITIES.len() {
                if self.due(other, ageing).is_some_and(|due| Some(due) < self.due(first, ageing)) {
                    first = other;
                }
            }
        }
        self.len -= 1;
        self.lines[first].pop_front().map(|(_, waiter)| waiter)
    }

    /// When the head of a line has waited for as long as its priority has to.
    fn due(&self, line: usize, ageing: &Ageing) -> Option<Instant> {
        let (_, waiter) = self.lines[line].front()?;
        Some(waiter.since + ageing.allowance(PRIORITIES[line]))
    }

    /// Takes off one, wherever it stands. `None` if it was taken off before.
    pub(super) fn remove(&mut self, priority: Priority, ticket: u64) -> Option<Arc<Waiter<R>>> {
        let line = &mut self.lines[priority as usize];
        let at = line.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        self.len -= 1;
        line.remove(at).map(|(_, waiter)| waiter)
    }

    /// Takes off all of those who are `chosen`, by ticket and waiter.
    pub(super) fn take(
        &mut self,
        chosen: impl Fn(u64, &Waiter<R>) -> bool,
        taken: &mut Vec<Arc<Waiter<R>>>,
    ) {
        for line in &mut self.lines {
            line.retain(|(ticket, waiter)| {
                let stays = !chosen(*ticket, waiter);
                if !stays {
                    taken.push(Arc::clone(waiter));
                    self.len -= 1;
                }
                stays
            });
        }
    }

    /// The lowest ticket, whatever its priority.
    pub(super) fn first_ticket(&self) -> Option<u64> {
        self.lines.iter().filter_map(|line| line.front()).map(|(ticket, _)| *ticket).min()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiter<R>> {
        self.lines.iter().flatten().map(|(_, waiter)| &**waiter)
    }
}
