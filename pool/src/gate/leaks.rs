//! Connections that are held for too long: reported once, and found again when they come back.

use std::backtrace::Backtrace;
use std::sync::Arc;
use std::time::Duration;

use concurrent_ordered_map::ConcurrentOrderedMap;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::connector::Connector;
use crate::core::Hold;
use crate::error::ConfigError;
use crate::event::event;
use crate::id::ConnectionId;
use crate::settings::millis;
use crate::shared::Shared;
use crate::stats::Holder;
use crate::sync::{Count, Ordering};

/// When a borrowed connection counts as leaked. See [`Settings::leaks`](crate::Settings::leaks).
///
/// A task sleeps until the next that is held has been held for so long, and reports it: nobody else pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Leaks {
    /// A connection that is held for this long is reported, once. Default: 1 min.
    #[serde(with = "millis")]
    pub after: Duration,
    /// Whether the report shows the backtrace of the call that borrowed it. Default: no, for every acquire
    /// pays for it, some ten microseconds and an allocation, and the report for looking up the names.
    pub backtrace: bool,
}

impl Default for Leaks {
    fn default() -> Self {
        Self { after: Duration::from_secs(60), backtrace: false }
    }
}

impl Leaks {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        match self.after.is_zero() {
            true => Err(ConfigError::new("leaks.after", "must be more than zero")),
            false => Ok(()),
        }
    }
}

/// What is known of leaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeakStats {
    /// How many were reported so far.
    pub reported: u64,
    /// How many of these have come back.
    pub returned: u64,
    /// Those that are out, since longest first.
    pub out: Vec<Holder>,
}

/// The connection's id and the begin of the hold tell it from a later hold of the same connection.
type Key = (ConnectionId, Instant);

/// What was reported and has not come back yet.
pub(crate) struct Leaked {
    settings: Leaks,
    out: ConcurrentOrderedMap<Key, Hold>,
    /// What was reported and came back, and may still be held for its cleaning: it is not to be reported again.
    /// An entry is here before it leaves `out`, so whoever misses it there finds it here.
    back: ConcurrentOrderedMap<Key, ()>,
    /// Where those were borrowed that are held now, if that is wanted.
    traces: ConcurrentOrderedMap<ConnectionId, Arc<Backtrace>>,
    reported: Count,
    returned: Count,
}

impl Leaked {
    pub(crate) fn new(settings: Leaks) -> Self {
        let (reported, returned) = (Count::new(0), Count::new(0));
        let (out, back) = (ConcurrentOrderedMap::new(), ConcurrentOrderedMap::new());
        Self { settings, out, back, traces: ConcurrentOrderedMap::new(), reported, returned }
    }

    /// Notes from where a connection is borrowed, if that is wanted.
    pub(crate) fn borrowed(&self, id: ConnectionId) {
        if self.settings.backtrace {
            self.traces.set(id, Arc::new(Backtrace::force_capture()));
        }
    }

    /// Whether it was not reported before. From now on it was. Nobody else puts anything into `out`.
    fn is_new(&self, id: ConnectionId, hold: &Hold) -> bool {
        let key = (id, hold.since);
        // In this order: what has left `out` meanwhile is in `back`.
        let is_new = !self.out.contains_key(&key) && !self.back.contains_key(&key);
        if is_new {
            self.out.set(key, hold.clone());
        }
        is_new
    }

    pub(crate) fn stats(&self) -> LeakStats {
        let mut out: Vec<_> =
            self.out.iter().map(|((id, _), hold)| Holder::new(id, &hold)).collect();
        out.sort_by_key(|holder| std::cmp::Reverse(holder.held_ns));
        // Ordering: Relaxed throughout; reports alone read these.
        LeakStats {
            reported: self.reported.load(Ordering::Relaxed),
            returned: self.returned.load(Ordering::Relaxed),
            out,
        }
    }
}

impl<C: Connector> Shared<C> {
    /// Says that a borrower gives back what it has held since then. Usually nothing is out, which is one look.
    #[expect(clippy::len_zero, reason = "`is_empty` searches")]
    pub(crate) fn note_return(&self, leaked: &Leaked, id: ConnectionId, since: Instant) {
        if leaked.settings.backtrace {
            leaked.traces.delete(&id);
        }
        // Not exact while a report is being made. Whatever is missed then, the next look finds.
        if leaked.out.len() == 0 || !leaked.out.contains_key(&(id, since)) {
            return;
        }
        leaked.back.set((id, since), ());
        self.note_found(leaked, id, since);
    }

    fn note_found(&self, leaked: &Leaked, id: ConnectionId, since: Instant) {
        if let Some(hold) = leaked.out.remove(&(id, since)) {
            leaked.returned.fetch_add(1, Ordering::Relaxed);
            let held = since.elapsed();
            event!(info, self, {
                id = %id, by = %hold.caller.by, tag = hold.caller.marks.tag_name(), held = ?held,
            }, "leaked connection is back");
        }
    }

    /// Reports what has been held for too long by now. Answers when to look next: nothing can be due before.
    fn report_leaks(&self, leaked: &Leaked, now: Instant) -> Instant {
        let after = leaked.settings.after;
        let held = self.held();
        let is_held = |key: Key| held.iter().any(|(id, hold)| (*id, hold.since) == key);
        // One that came back while the last report was made.
        for ((id, since), _) in leaked.out.iter().filter(|(key, _)| !is_held(*key)) {
            self.note_found(leaked, id, since);
        }
        for (key, ()) in leaked.back.iter().filter(|(key, ())| !is_held(*key)) {
            leaked.back.delete(&key);
        }
        let mut next = now + after;
        for (id, hold) in &held {
            if hold.since + after > now {
                next = next.min(hold.since + after);
            } else if leaked.is_new(*id, hold) {
                leaked.reported.fetch_add(1, Ordering::Relaxed);
                self.report_leak(leaked, *id, hold, now);
            }
        }
        next
    }

    fn report_leak(&self, leaked: &Leaked, id: ConnectionId, hold: &Hold, now: Instant) {
        let marks = &hold.caller.marks;
        let held = now.saturating_duration_since(hold.since);
        let trace = leaked.traces.get(&id);
        event!(warn, self, {
            id = %id, by = %hold.caller.by, tag = marks.tag_name(),
            task = marks.task.map(tracing::field::display),
            backtrace = trace.as_deref().map(tracing::field::display),
            held = ?held,
        }, "connection held for too long");
    }
}

/// Starts the task that reports, if that is wanted.
pub(crate) fn watch<C: Connector>(shared: &Arc<Shared<C>>) {
    if shared.gate.leaked.is_none() {
        return;
    }
    let pool = Arc::downgrade(shared);
    let task = shared.runtime.spawn(async move {
        loop {
            let Some(shared) = pool.upgrade() else { return };
            let Some(leaked) = &shared.gate.leaked else { return };
            let next = shared.report_leaks(leaked, Instant::now());
            drop(shared);
            sleep_until(next).await;
        }
    });
    shared.tasks.lock().push(task.abort_handle());
}
