//! Concurrent histories: who called what, when it began, when it ended, what it answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One call of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<Op, Ret> {
    /// The thread that called.
    pub thread: usize,
    /// What it called.
    pub op: Op,
    /// What the call answered.
    pub ret: Ret,
    /// The tick just before the call began.
    pub invoked: u64,
    /// The tick just after the call ended. `None` only after [`History::cut_at`]: the call
    /// was still running at the cut, so it may or may not have taken effect by then.
    pub returned: Option<u64>,
}

/// The clock that all logs of one history share.
#[derive(Debug, Default)]
pub struct Recorder {
    clock: Arc<AtomicU64>,
}

impl Recorder {
    /// A clock at tick 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty log for `thread`, with room for `calls` calls so that logging does not allocate.
    pub fn log<Op, Ret>(&self, thread: usize, calls: usize) -> ThreadLog<Op, Ret> {
        ThreadLog { clock: Arc::clone(&self.clock), thread, calls: Vec::with_capacity(calls) }
    }
}

/// One thread's calls, in the order it made them.
#[derive(Debug)]
pub struct ThreadLog<Op, Ret> {
    clock: Arc<AtomicU64>,
    thread: usize,
    calls: Vec<Call<Op, Ret>>,
}

impl<Op, Ret> ThreadLog<Op, Ret> {
    /// Runs a call and logs it. A call that panics is not logged.
    pub fn record(&mut self, op: Op, run: impl FnOnce(&Op) -> Ret) -> &Ret {
        let invoked = self.tick();
        let ret = run(&op);
        let returned = self.tick();
        self.calls.push(Call { thread: self.thread, op, ret, invoked, returned: Some(returned) });
        &self.calls.last().expect("a call was just pushed").ret
    }

    fn tick(&self) -> u64 {
        // Ordering: pairs with every other `tick`. Acquire keeps the call after its first tick
        // and Release keeps it before its second, so a call lies inside its interval; and the
        // ticks' one modification order makes "A returned before B was invoked" a
        // happens-before that the map under test has to respect.
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// The calls of all threads, by invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<Op, Ret> {
    calls: Vec<Call<Op, Ret>>,
}

impl<Op, Ret> History<Op, Ret> {
    /// A history of these calls. An invocation and a response at one tick count as overlapping.
    pub fn new(mut calls: Vec<Call<Op, Ret>>) -> Self {
        calls.sort_by_key(|call| call.invoked);
        Self { calls }
    }

    /// The history that these threads made together.
    pub fn merge(logs: impl IntoIterator<Item = ThreadLog<Op, Ret>>) -> Self {
        Self::new(logs.into_iter().flat_map(|log| log.calls).collect())
    }

    /// The calls, by invocation.
    pub fn calls(&self) -> &[Call<Op, Ret>] {
        &self.calls
    }

    /// The pairs of calls that ran at the same time, which is what makes a history worth checking.
    pub fn overlapping_pairs(&self) -> usize {
        let overlaps = |first: &Call<Op, Ret>, second: &Call<Op, Ret>| {
            first.returned.is_none_or(|end| second.invoked <= end)
        };
        let pairs_with = |(i, first)| {
            // The calls are sorted by invocation, so those that overlap `first` follow it.
            let later = &self.calls[i + 1..];
            later.iter().take_while(|&second| overlaps(first, second)).count()
        };
        self.calls.iter().enumerate().map(pairs_with).sum()
    }
}

impl<Op: Clone, Ret: Clone> History<Op, Ret> {
    /// What had been called by tick `end`: calls that begin later are gone, and calls that end
    /// later are left open (`returned` is `None`) with the answer that they gave in the end.
    pub fn cut_at(&self, end: u64) -> Self {
        let begun = self.calls.iter().filter(|call| call.invoked <= end);
        Self::new(
            begun
                .cloned()
                .map(|mut call| {
                    call.returned = call.returned.filter(|&tick| tick <= end);
                    call
                })
                .collect(),
        )
    }

    /// The calls for which `keep` holds.
    pub fn retain(&self, mut keep: impl FnMut(&Call<Op, Ret>) -> bool) -> Self {
        let kept = self.calls.iter().filter(|call| keep(call));
        Self::new(kept.cloned().collect())
    }
}
