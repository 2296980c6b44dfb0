//! A value that is built by the first of those who want it, while the others wait for what that comes to.
//!
//! # Invariants
//!
//! They hold whenever the lock is free.
//!
//! * **B1** The stage is [`Stage::Building`] exactly while there is an [`Attempt`], and there is one at most.
//! * **B2** Whoever waits has a ticket in `waiting`, and either its waker is there and the value is being built,
//!   or it was told or woken since, and polls again.
//! * **B3** An attempt ends once: its value is there for all, its error is told to all who waited for it, and
//!   to nobody else. One that is given up, by a drop or a panic, leaves the place as it found one without a
//!   value: all who waited are woken, and the first to be polled builds.
//! * **B4** A ticket goes with its future, so that one who stops waiting leaves nothing behind.
//!
//! Nothing is built, woken or dropped under the lock.

#[cfg(all(test, pool_loom))]
mod loom;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

/// The place of the value.
pub(crate) struct Once<T, E> {
    state: Mutex<State<T, E>>,
    /// Whether a value still serves. One that does not is built anew.
    serves: fn(&T) -> bool,
}

struct State<T, E> {
    stage: Stage<T>,
    /// By ticket.
    waiting: BTreeMap<u64, Waiting<E>>,
    tickets: u64,
}

enum Stage<T> {
    Empty,
    Building,
    Built(T),
}

enum Waiting<E> {
    /// Whom to wake, once.
    For(Option<Waker>),
    /// The attempt that it waited for has failed.
    Told(E),
}

/// What one who comes gets.
enum Turn<'a, T: Clone, E: Clone> {
    Built(T),
    Build(Attempt<'a, T, E>),
}

impl<T: Clone, E: Clone> Once<T, E> {
    pub(crate) fn new(serves: fn(&T) -> bool) -> Self {
        let state = State { stage: Stage::Empty, waiting: BTreeMap::new(), tickets: 0 };
        Self { state: Mutex::new(state), serves }
    }

    /// The value, if there is one that serves and none is just being built.
    pub(crate) fn get(&self) -> Option<T> {
        match &self.state.lock().stage {
            Stage::Built(value) if (self.serves)(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// The value, which this caller builds if there is none that serves and nobody builds one.
    ///
    /// Cancel-safe: if a caller that builds gives up, the next builds.
    ///
    /// # Errors
    /// When the attempt fails that this caller makes or waits for.
    pub(crate) async fn get_or_init<F>(&self, build: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        match (Coming { once: self, ticket: None }).await? {
            Turn::Built(value) => Ok(value),
            Turn::Build(attempt) => {
                let outcome = build().await;
                attempt.end(outcome.clone());
                outcome
            }
        }
    }

    /// Ends the attempt that is under way (B3).
    fn end(&self, outcome: Option<Result<T, E>>) {
        let mut state = self.state.lock();
        let (stage, error) = match outcome {
            Some(Ok(value)) => (Stage::Built(value), None),
            Some(Err(error)) => (Stage::Empty, Some(error)),
            None => (Stage::Empty, None),
        };
        state.stage = stage;
        let mut wakers = Vec::new();
        for waiting in state.waiting.values_mut() {
            if let Waiting::For(waker) = waiting {
                wakers.extend(waker.take());
                if let Some(error) = &error {
                    *waiting = Waiting::Told(error.clone());
                }
            }
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The order to build. Dropping it gives the attempt up.
struct Attempt<'a, T: Clone, E: Clone> {
    once: &'a Once<T, E>,
    has_ended: bool,
}

impl<T: Clone, E: Clone> Attempt<'_, T, E> {
    fn end(mut self, outcome: Result<T, E>) {
        self.has_ended = true;
        self.once.end(Some(outcome));
    }
}

impl<T: Clone, E: Clone> Drop for Attempt<'_, T, E> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.once.end(None);
        }
    }
}

/// One who comes for the value, and waits while another builds it.
struct Coming<'a, T: Clone, E: Clone> {
    once: &'a Once<T, E>,
    /// Since it waits.
    ticket: Option<u64>,
}

impl<'a, T: Clone, E: Clone> Future for Coming<'a, T, E> {
    type Output = Result<Turn<'a, T, E>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let once = self.once;
        let mut state = once.state.lock();
        if let Some(Waiting::Told(error)) = self.ticket.and_then(|own| state.waiting.get(&own)) {
            return Poll::Ready(Err(error.clone()));
        }
        match &state.stage {
            Stage::Building => {
                self.ticket = Some(state.wait(self.ticket, context));
                Poll::Pending
            }
            Stage::Built(value) if (once.serves)(value) => {
                Poll::Ready(Ok(Turn::Built(value.clone())))
            }
            Stage::Built(_) | Stage::Empty => {
                let before = std::mem::replace(&mut state.stage, Stage::Building);
                drop(state);
                drop(before);
                Poll::Ready(Ok(Turn::Build(Attempt { once, has_ended: false })))
            }
        }
    }
}

impl<T: Clone, E: Clone> Drop for Coming<'_, T, E> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waited = self.once.state.lock().waiting.remove(&ticket);
            drop(waited);
        }
    }
}

impl<T, E> State<T, E> {
    /// Notes whom to wake. Answers the ticket, a new one for who has none.
    fn wait(&mut self, ticket: Option<u64>, context: &Context<'_>) -> u64 {
        let ticket = ticket.unwrap_or_else(|| {
            self.tickets += 1;
            self.tickets
        });
        self.waiting.insert(ticket, Waiting::For(Some(context.waker().clone())));
        ticket
    }
}
