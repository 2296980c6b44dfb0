//! A small reclaimer for models under loom and shuttle, as hostile as the rules allow.
//!
//! What is deferred runs at the first moment at which it may: when every guard that was alive then
//! has gone.
//!
//! Both run all threads of a model on one OS thread, so std's thread-local state is shared by them,
//! and none of it is a scheduling point. One atomic of the model carries the orderings that epochs give: who
//! pins after something was deferred sees all that came before that, the unlinking included; and what
//! was deferred runs after all that was done by those who were pinned then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use super::Finger;
use crate::sync::{AtomicU64, Ordering, lazy_static};

#[derive(Default)]
struct State {
    /// Counts guards and deferrals.
    now: u64,
    /// Guards alive, by the moment they pinned.
    pinned: BTreeMap<u64, ()>,
    deferred: Vec<(u64, Box<dyn FnOnce()>)>,
}

impl State {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
}

thread_local!(static STATE: RefCell<State> = RefCell::default());

lazy_static! {
    static ref EPOCH: AtomicU64 = AtomicU64::new(0);
}

/// A pinned thread of a model. Not `Send`, as the real one.
pub(crate) struct Guard(u64, Finger, PhantomData<*const ()>);

pub(crate) fn pin() -> Guard {
    let guard = STATE.with_borrow_mut(|state| {
        let now = state.tick();
        state.pinned.insert(now, ());
        Guard(now, Finger::new(), PhantomData)
    });
    // Ordering: Acquire, with `defer`.
    EPOCH.fetch_add(0, Ordering::Acquire);
    guard
}

impl Guard {
    /// # Safety
    /// As for the real one: `job` may run on any thread at any later time.
    pub(crate) unsafe fn defer(&self, job: impl FnOnce()) {
        // Ordering: Release, with `pin`. The steps between the two are read-modify-writes too, so they
        // continue the release sequence.
        EPOCH.fetch_add(1, Ordering::Release);
        let job: Box<dyn FnOnce() + '_> = Box::new(job);
        // SAFETY: the caller vouches that the job may run later, as long as that may be.
        let job: Box<dyn FnOnce() + 'static> = unsafe { std::mem::transmute(job) };
        STATE.with_borrow_mut(|state| {
            let now = state.tick();
            state.deferred.push((now, job));
        });
    }

    pub(crate) fn repin(&mut self) {
        *self = pin();
    }

    pub(crate) fn finger(&self) -> &Finger {
        &self.1
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Ordering: Release, with `run_due`.
        EPOCH.fetch_add(0, Ordering::Release);
        STATE.with_borrow_mut(|state| state.pinned.remove(&self.0));
        run_due();
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

/// Runs what was deferred before the oldest guard alive pinned.
fn run_due() {
    loop {
        let job = STATE.with_borrow_mut(|state| {
            let oldest = state.pinned.keys().next().copied().unwrap_or(u64::MAX);
            let due = state.deferred.iter().position(|(when, _)| *when < oldest);
            due.map(|index| state.deferred.remove(index).1)
        });
        match job {
            Some(job) => {
                // Ordering: Acquire, with the guards that have gone.
                EPOCH.fetch_add(0, Ordering::Acquire);
                job();
            }
            None => return,
        }
    }
}

/// Frees what may be freed. True if that was everything.
pub(crate) fn collect() -> bool {
    run_due();
    STATE.with_borrow(|state| state.deferred.is_empty())
}

pub(crate) fn free_some() {
    run_due();
}

/// Runs everything deferred. Nobody is pinned any more.
pub(super) fn finish() {
    run_due();
    assert!(STATE.with_borrow(|state| state.pinned.is_empty()), "guards alive at the model's end");
}
