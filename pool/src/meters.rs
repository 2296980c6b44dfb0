//! Metrics through the `metrics` facade, by the names and units of OpenTelemetry's semantic conventions.
//!
//! Handles are made once, when the pool starts: what is recorded looks nothing up. The gauges are set by a task
//! now and then, since a change of theirs at each acquire and release would be paid by every borrower, and be
//! seen by nobody: a scrape comes every few seconds.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, SharedString, Unit};
use tokio::time::{Instant, sleep};

use crate::connector::Connector;
use crate::core::Counts;
use crate::pool::Pool;
use crate::shared::Shared;

const POOL: &str = "db.client.connection.pool.name";
const STATE: &str = "db.client.connection.state";
const COUNT: &str = "db.client.connection.count";
const IDLE_MAX: &str = "db.client.connection.idle.max";
const IDLE_MIN: &str = "db.client.connection.idle.min";
const MAX: &str = "db.client.connection.max";
const PENDING: &str = "db.client.connection.pending_requests";
const TIMEOUTS: &str = "db.client.connection.timeouts";
const CREATE_TIME: &str = "db.client.connection.create_time";
const WAIT_TIME: &str = "db.client.connection.wait_time";
const USE_TIME: &str = "db.client.connection.use_time";

/// A pool's instruments. Where no recorder was installed when the pool was started, they do nothing.
pub(crate) struct Meters {
    idle: Gauge,
    used: Gauge,
    idle_max: Gauge,
    idle_min: Gauge,
    max: Gauge,
    pending: Gauge,
    timeouts: Counter,
    create_time: Histogram,
    wait_time: Histogram,
    use_time: Histogram,
}

impl Meters {
    pub(crate) fn new(pool: &str) -> Self {
        describe();
        let pool = SharedString::from(String::from(pool));
        let gauge = |name: &'static str| metrics::gauge!(name, POOL => pool.clone());
        let histogram = |name: &'static str| metrics::histogram!(name, POOL => pool.clone());
        let count =
            |state: &'static str| metrics::gauge!(COUNT, POOL => pool.clone(), STATE => state);
        Self {
            idle: count("idle"),
            used: count("used"),
            idle_max: gauge(IDLE_MAX),
            idle_min: gauge(IDLE_MIN),
            max: gauge(MAX),
            pending: gauge(PENDING),
            timeouts: metrics::counter!(TIMEOUTS, POOL => pool.clone()),
            create_time: histogram(CREATE_TIME),
            wait_time: histogram(WAIT_TIME),
            use_time: histogram(USE_TIME),
        }
    }

    pub(crate) fn opened(&self, took: Duration) {
        self.create_time.record(took);
    }

    pub(crate) fn waited(&self, since: Instant, until: Instant) {
        self.wait_time.record(until.saturating_duration_since(since));
    }

    pub(crate) fn used(&self, since: Instant, until: Instant) {
        self.use_time.record(until.saturating_duration_since(since));
    }

    pub(crate) fn timed_out(&self) {
        self.timeouts.increment(1);
    }

    /// OpenTelemetry knows two states. What is being checked is on its way to somebody, so it counts as used.
    fn set(&self, counts: &Counts, min: usize) {
        let set = |gauge: &Gauge, value: usize| gauge.set(u32::try_from(value).unwrap_or(u32::MAX));
        set(&self.idle, counts.idle);
        set(&self.used, counts.lent + counts.checking);
        set(&self.idle_max, counts.max);
        set(&self.idle_min, min);
        set(&self.max, counts.max);
        set(&self.pending, counts.waiting);
    }
}

/// A pool that is gone has nothing.
impl Drop for Meters {
    fn drop(&mut self) {
        self.set(&Counts::default(), 0);
    }
}

impl<C: Connector> Pool<C> {
    /// Sets the gauges of the feature `metrics` to what is so now, as the pool does by itself every
    /// [`Observe::gauges_every`](crate::Observe::gauges_every). For exporters that are asked: call it before
    /// they answer.
    pub fn record_gauges(&self) {
        self.shared.record_gauges();
    }
}

impl<C: Connector> Shared<C> {
    pub(crate) fn record_gauges(&self) {
        self.meters.set(&self.core.counts(), self.settings.min);
    }
}

/// Starts the task that sets the gauges. It holds no pool: it ends with the last handle, or when the pool is
/// closed.
pub(crate) fn start<C: Connector>(shared: &Arc<Shared<C>>) {
    let Some(pause) = shared.settings.observe.gauges_every else { return };
    let pool = Arc::downgrade(shared);
    let task = shared.runtime.spawn(async move {
        while let Some(shared) = pool.upgrade() {
            shared.record_gauges();
            drop(shared);
            sleep(pause).await;
        }
    });
    shared.tasks.lock().push(task.abort_handle());
}

/// What each instrument is, in the words of the conventions.
fn describe() {
    let gauges = [
        (
            COUNT,
            "The number of connections that are currently in the state described by the state attribute.",
        ),
        (IDLE_MAX, "The maximum number of idle open connections allowed."),
        (IDLE_MIN, "The minimum number of idle open connections allowed."),
        (MAX, "The maximum number of open connections allowed."),
        (PENDING, "The number of current pending requests for an open connection."),
    ];
    for (name, what) in gauges {
        metrics::describe_gauge!(name, Unit::Count, what);
    }
    let what = "The number of connection timeouts that have occurred trying to obtain a connection from the pool.";
    metrics::describe_counter!(TIMEOUTS, Unit::Count, what);
    let histograms = [
        (CREATE_TIME, "The time it took to create a new connection."),
        (WAIT_TIME, "The time it took to obtain an open connection from the pool."),
        (USE_TIME, "The time between borrowing a connection and returning it to the pool."),
    ];
    for (name, what) in histograms {
        metrics::describe_histogram!(name, Unit::Seconds, what);
    }
}
