//! The circuit breaker: when the database fails, nobody waits for it, until a probe has found it back.
//!
//! None of the crates that keep such a state (failsafe, recloser, circuitbreaker-rs) takes its time from
//! tokio's clock, which tests of time-outs need, or says when the next probe comes; and they wrap calls, while
//! here the attempts are made by tasks of the pool.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::window::Window;
use crate::connector::Connector;
use crate::core::Refusal;
use crate::error::{Cause, ConfigError, Error};
use crate::event::event;
use crate::seat::Seat;
use crate::settings::millis;
use crate::shared::Shared;
use crate::sync::{Count, Mutex, Ordering};

/// When the circuit to the database opens, and how it closes. See
/// [`Settings::breaker`](crate::Settings::breaker).
///
/// What counts are attempts to connect and health checks; what borrowers do with their connections does not. Of
/// the connections that were open when a check has failed, no other one's failure is counted: after a restart
/// of the server all of them are dead, and connecting works.
///
/// While it is open, a caller gets a connection that is idle and needs no check, or [`Error::CircuitOpen`] at
/// once; also those who waited before, even if borrowed connections may come back. A task of the pool makes the
/// probes when they are due, whether anybody asks or not: it connects, and checks what it has got. Where all
/// places are taken by connections there is nothing to connect, and the circuit closes when a probe would be
/// due. [`Pool::renew`](crate::Pool::renew) and [`Pool::reset`](crate::Pool::reset) connect all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// Opens when so many attempts to connect, or so many checks, have failed in a row. Default: 5.
    /// `None`: a run does not open it.
    pub failures_in_a_row: Option<u32>,
    /// Opens when so many per cent of what was tried within [`window`](Self::window) has failed.
    /// Default: 50. `None`: a rate does not open it.
    pub failure_percent: Option<u8>,
    /// Over how long the rate is taken. Default: 10 s. It moves on by a tenth of that.
    #[serde(with = "millis")]
    pub window: Duration,
    /// The rate opens nothing before so much was tried within the window. Default: 10.
    pub window_min: u32,
    /// How long the circuit stays open before the first probe. It doubles with each probe that fails.
    /// Default: 1 s.
    #[serde(with = "millis")]
    pub open_min: Duration,
    /// How long it stays open at most before a probe. Default: 30 s.
    #[serde(with = "millis")]
    pub open_max: Duration,
    /// So many probes have to succeed, one after the other, before it closes. Default: 1.
    pub probes: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures_in_a_row: Some(5),
            failure_percent: Some(50),
            window: Duration::from_secs(10),
            window_min: 10,
            open_min: Duration::from_secs(1),
            open_max: Duration::from_secs(30),
            probes: 1,
        }
    }
}

impl Breaker {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: &str| {
            Err(ConfigError::new(format!("breaker.{field}"), String::from(problem)))
        };
        if self.failures_in_a_row.is_none() && self.failure_percent.is_none() {
            return wrong("failures_in_a_row", "without it and failure_percent nothing opens it");
        }
        if self.failures_in_a_row == Some(0) {
            return wrong("failures_in_a_row", "must be at least 1");
        }
        if self.failure_percent.is_some_and(|percent| percent == 0 || percent > 100) {
            return wrong("failure_percent", "must be from 1 to 100");
        }
        if self.window.is_zero() {
            return wrong("window", "must be more than zero");
        }
        if self.window_min == 0 {
            return wrong("window_min", "must be at least 1");
        }
        if self.open_min.is_zero() {
            return wrong("open_min", "must be more than zero");
        }
        if self.open_min > self.open_max {
            return wrong("open_min", "is more than open_max");
        }
        if self.probes == 0 {
            return wrong("probes", "must be at least 1");
        }
        Ok(())
    }
}

/// Where a circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CircuitState {
    /// All is as usual.
    Closed,
    /// Nobody waits, and nothing is tried before the next probe.
    Open,
    /// Nobody waits, and a probe is under way.
    HalfOpen,
}

impl CircuitState {
    /// The name that events and statistics use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// What is known of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BreakerStats {
    /// Where it is.
    pub state: CircuitState,
    /// For how long it has been there, in nanoseconds.
    pub state_ns: u64,
    /// In how many nanoseconds the next probe comes, if it is open.
    pub next_probe_ns: Option<u64>,
    /// How often it has opened. A probe that fails is not counted.
    pub opened: u64,
    /// How many probes were made.
    pub probes: u64,
    /// How many callers were refused.
    pub refused: u64,
    /// How much was tried within the window.
    pub window_total: u32,
    /// How much of that has failed.
    pub window_failed: u32,
    /// What the last failure met that was counted.
    pub last_error: Option<String>,
}

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tried {
    Connect,
    /// A check of a connection that was opened then.
    Check(Instant),
    /// To connect and to check, while the circuit is not closed.
    Probe,
}

pub(crate) struct Circuit {
    settings: Breaker,
    state: Mutex<State>,
    refused: Count,
    /// Told when it opens or closes.
    changed: Arc<Notify>,
}

struct State {
    phase: Phase,
    /// Since when.
    since: Instant,
    /// When it opened last, however many probes have failed since.
    opened_at: Instant,
    window: Window,
    /// Failures in a row.
    connects_failed: u32,
    checks_failed: u32,
    /// When a check has failed last that was counted.
    check_failed_at: Option<Instant>,
    last_error: Option<Cause>,
    opened: u64,
    probes: u64,
}

enum Phase {
    Closed,
    Open { until: Instant, pause: Duration },
    HalfOpen { passed: u32, pause: Duration },
}

impl Phase {
    fn name(&self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }
}

impl State {
    fn go(&mut self, phase: Phase, now: Instant) {
        (self.phase, self.since) = (phase, now);
    }

    /// Answers whether the failure says something new. A check of a connection that was opened before another
    /// one's failed says what is known: when a server was restarted, all that were idle are dead, and connecting
    /// works.
    fn count_failure(&mut self, tried: Tried, now: Instant) -> bool {
        match tried {
            Tried::Check(opened) if self.check_failed_at.is_some_and(|at| opened <= at) => {
                return false;
            }
            Tried::Check(_) => {
                self.check_failed_at = Some(now);
                self.checks_failed = self.checks_failed.saturating_add(1);
            }
            Tried::Connect | Tried::Probe => {
                self.connects_failed = self.connects_failed.saturating_add(1);
            }
        }
        self.window.record(true, now);
        true
    }

    fn open(&mut self, pause: Duration, now: Instant) {
        self.go(Phase::Open { until: now + pause, pause }, now);
    }
}

impl Circuit {
    pub(crate) fn new(settings: Breaker) -> Self {
        let now = Instant::now();
        let state = State {
            phase: Phase::Closed,
            since: now,
            opened_at: now,
            window: Window::new(settings.window),
            connects_failed: 0,
            checks_failed: 0,
            check_failed_at: None,
            last_error: None,
            opened: 0,
            probes: 0,
        };
        let changed = Arc::new(Notify::new());
        Self { settings, state: Mutex::new(state), refused: Count::new(0), changed }
    }

    /// Counts a failure. Answers after how long the next probe comes, if the circuit has opened by it or stays
    /// open, and what `trip` has answered, which runs when it opens, before it can close again.
    fn failed<T>(
        &self,
        tried: Tried,
        cause: &Cause,
        trip: impl FnOnce() -> T,
    ) -> Option<(Duration, Option<T>)> {
        let now = Instant::now();
        let mut state = self.state.lock();
        match state.phase {
            Phase::Closed => {
                if !state.count_failure(tried, now) {
                    return None;
                }
                state.last_error = Some(Arc::clone(cause));
                if !self.is_too_much(&mut state, now) {
                    return None;
                }
                state.opened += 1;
                state.opened_at = now;
                state.open(self.settings.open_min, now);
                Some((self.settings.open_min, Some(trip())))
            }
            Phase::Open { pause, .. } | Phase::HalfOpen { pause, .. }
                if matches!(tried, Tried::Probe) =>
            {
                state.last_error = Some(Arc::clone(cause));
                let pause = pause.saturating_mul(2).min(self.settings.open_max);
                state.open(pause, now);
                Some((pause, None))
            }
            // What was begun before it opened, or is tried for one who insists.
            Phase::Open { .. } | Phase::HalfOpen { .. } => None,
        }
    }

    fn is_too_much(&self, state: &mut State, now: Instant) -> bool {
        let limit = self.settings.failures_in_a_row;
        let longest = state.connects_failed.max(state.checks_failed);
        if limit.is_some_and(|limit| longest >= limit) {
            return true;
        }
        let Some(percent) = self.settings.failure_percent else { return false };
        let outcomes = state.window.outcomes(now);
        outcomes.total >= self.settings.window_min
            && u64::from(outcomes.failed) * 100 >= u64::from(outcomes.total) * u64::from(percent)
    }

    /// Counts a success. Answers for how long it was open, if the circuit closes by it.
    fn succeeded(&self, tried: Tried, untrip: impl FnOnce()) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let (passed, pause) = match (&state.phase, tried) {
            (Phase::Closed, _) => {
                match tried {
                    Tried::Check(_) => state.checks_failed = 0,
                    Tried::Connect | Tried::Probe => state.connects_failed = 0,
                }
                state.window.record(false, now);
                return None;
            }
            (Phase::HalfOpen { passed, pause }, Tried::Probe) => (passed + 1, *pause),
            (Phase::Open { .. } | Phase::HalfOpen { .. }, _) => return None,
        };
        if passed < self.settings.probes {
            state.go(Phase::HalfOpen { passed, pause }, now);
            return None;
        }
        Some(Self::close(&mut state, untrip, now))
    }

    fn close(state: &mut State, untrip: impl FnOnce(), now: Instant) -> Duration {
        state.go(Phase::Closed, now);
        (state.connects_failed, state.checks_failed) = (0, 0);
        state.window.forget();
        untrip();
        now.saturating_duration_since(state.opened_at)
    }

    /// When a probe is to be made, if it is not closed.
    fn next_probe(&self) -> Option<Instant> {
        match self.state.lock().phase {
            Phase::Closed => None,
            Phase::Open { until, .. } => Some(until),
            Phase::HalfOpen { .. } => Some(Instant::now()),
        }
    }

    fn half_open(&self) {
        let mut state = self.state.lock();
        state.probes += 1;
        if let Phase::Open { pause, .. } = state.phase {
            state.go(Phase::HalfOpen { passed: 0, pause }, Instant::now());
        }
    }

    /// What a caller is told. Counts it.
    pub(crate) fn refuse(&self) -> Error {
        // Ordering: Relaxed, here and in `stats`; reports alone read it.
        self.refused.fetch_add(1, Ordering::Relaxed);
        let state = self.state.lock();
        let until = match state.phase {
            Phase::Open { until, .. } => until,
            Phase::HalfOpen { .. } | Phase::Closed => Instant::now(),
        };
        let last = state.last_error.clone();
        Error::CircuitOpen {
            cause: last.unwrap_or_else(|| Arc::new(std::io::Error::other("unknown"))),
            retry_after: until.saturating_duration_since(Instant::now()),
        }
    }

    pub(crate) fn stats(&self) -> BreakerStats {
        let now = Instant::now();
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut state = self.state.lock();
        let outcomes = state.window.outcomes(now);
        let next_probe_ns = match state.phase {
            Phase::Open { until, .. } => Some(nanos(until.saturating_duration_since(now))),
            Phase::HalfOpen { .. } | Phase::Closed => None,
        };
        BreakerStats {
            state: state.phase.name(),
            state_ns: nanos(now.saturating_duration_since(state.since)),
            next_probe_ns,
            opened: state.opened,
            probes: state.probes,
            refused: self.refused.load(Ordering::Relaxed),
            window_total: outcomes.total,
            window_failed: outcomes.failed,
            last_error: state.last_error.as_ref().map(ToString::to_string),
        }
    }
}

impl<C: Connector> Shared<C> {
    /// Tells the circuit that something has failed.
    pub(crate) fn count_failure(&self, tried: Tried, cause: &Cause) {
        let Some(circuit) = &self.gate.circuit else { return };
        let failed = circuit.failed(tried, cause, || self.core.trip());
        let Some((pause, tripped)) = failed else { return };
        circuit.changed.notify_one();
        let what = if tripped.is_some() { "failures" } else { "probe" };
        event!(warn, self, { by = what, reason = %cause, next_probe = ?pause, }, "circuit opened");
        self.core.refuse(tripped.unwrap_or_default(), &Refusal::Tripped);
    }

    /// Tells the circuit that something has succeeded.
    pub(crate) fn count_success(self: &Arc<Self>, tried: Tried) {
        let Some(circuit) = &self.gate.circuit else { return };
        if let Some(open) = circuit.succeeded(tried, || self.core.untrip()) {
            self.circuit_closed(circuit, open);
        }
    }

    fn circuit_closed(self: &Arc<Self>, circuit: &Circuit, open: Duration) {
        circuit.changed.notify_one();
        event!(info, self, { was_open = ?open, }, "circuit closed");
        let shared = Arc::clone(self);
        // The minimum, which nobody filled up to meanwhile.
        self.runtime.spawn(async move { shared.open_up_to(shared.settings.min).await });
    }

    /// Connects and checks once, to see whether the database is back. Where all places are taken by connections, nobody
    /// needs another one: then the circuit closes without a probe, and callers wait for these.
    async fn probe(self: &Arc<Self>, circuit: &Circuit) {
        let Some(slot) = self.core.reserve_below(self.core.counts().max) else {
            return self.no_place_to_probe(circuit).await;
        };
        circuit.half_open();
        event!(info, self, {}, "circuit half open");
        // In a task of its own, for the connector may panic. What it comes to is counted where it happens.
        let probe = self.runtime.spawn(Seat::reserved(self, slot).probe());
        if let Err(panic) = probe.await {
            let cause: Cause = Arc::new(panic);
            self.count_failure(Tried::Probe, &cause);
        }
    }

    async fn no_place_to_probe(self: &Arc<Self>, circuit: &Circuit) {
        let counts = self.core.counts();
        if counts.live() < counts.max {
            // Something is being opened or closed: it will soon be known what comes of it.
            return tokio::time::sleep(self.settings.retry_min).await;
        }
        let open = {
            let mut state = circuit.state.lock();
            if matches!(state.phase, Phase::Closed) {
                return;
            }
            Circuit::close(&mut state, || self.core.untrip(), Instant::now())
        };
        self.circuit_closed(circuit, open);
    }
}

/// Starts the task that probes, if there is a circuit. It sleeps until the next probe is due.
pub(crate) fn watch<C: Connector>(shared: &Arc<Shared<C>>) {
    let Some(circuit) = &shared.gate.circuit else { return };
    let changed = Arc::clone(&circuit.changed);
    let pool = Arc::downgrade(shared);
    let task = shared.runtime.spawn(async move {
        loop {
            let Some(shared) = pool.upgrade() else { return };
            let Some(circuit) = &shared.gate.circuit else { return };
            match circuit.next_probe() {
                Some(at) if at <= Instant::now() => shared.probe(circuit).await,
                Some(at) => {
                    drop(shared);
                    drop(timeout_at(at, changed.notified()).await);
                }
                None => {
                    drop(shared);
                    changed.notified().await;
                }
            }
        }
    });
    shared.tasks.lock().push(task.abort_handle());
}
