//! One database server of a cluster: its pool, and whether it is up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::settings::Role;
use crate::connector::Connector;
use crate::error::{Cause, Error, Why};
use crate::event::event;
use crate::pool::Pool;
use crate::stats::Stats;
use crate::sync::{Count, Mutex, Ordering};

pub(super) struct Endpoint<C: Connector> {
    pub(super) role: Role,
    pub(super) pool: Pool<C>,
    state: Mutex<State>,
    pub(super) reads: Count,
    pub(super) writes: Count,
}

#[derive(Default)]
struct State {
    /// Since when it is down, and why.
    down: Option<(Instant, Cause)>,
    went_down: u64,
    came_back: u64,
}

/// What an endpoint says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EndpointStats {
    /// The name of its pool.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Whether it is asked.
    pub is_up: bool,
    /// For how long it has been down, in nanoseconds; 0 when it is up.
    pub down_ns: u64,
    /// Why it is down.
    pub last_error: Option<String>,
    /// How often it went down.
    pub went_down: u64,
    /// How often it came back.
    pub came_back: u64,
    /// How many reads it was given.
    pub reads: u64,
    /// How many writes it was given.
    pub writes: u64,
    /// Its pool.
    pub pool: Stats,
}

impl<C: Connector> Endpoint<C> {
    pub(super) fn new(role: Role, pool: Pool<C>) -> Self {
        Self { role, pool, state: Mutex::default(), reads: Count::new(0), writes: Count::new(0) }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state.lock().down.is_none()
    }

    /// Why it is down, if it is.
    pub(super) fn down(&self) -> Option<Cause> {
        self.state.lock().down.as_ref().map(|(_, cause)| Arc::clone(cause))
    }

    /// Whether connecting fails, while connections that are open may still serve.
    pub(super) fn is_shaky(&self) -> bool {
        self.pool.shared.outage.lock().failures > 0
    }

    /// The part of its maximum that is lent or waited for, in 1,024ths.
    pub(super) fn load(&self) -> usize {
        let counts = self.pool.shared.core.counts();
        (counts.lent + counts.waiting).saturating_mul(1_024) / counts.max.max(1)
    }

    /// Notes that it is down, if the error of an acquire says so.
    pub(super) fn note(&self, error: &Error) {
        match error {
            // An open circuit, too: it has failed for others, or in the background.
            Error::Connect { cause }
            | Error::CircuitOpen { cause, .. }
            | Error::Timeout {
                why:
                    Why::Connecting { last_error: Some(cause), .. }
                    | Why::Checking { last_error: Some(cause), .. },
                ..
            } => self.goes_down(Arc::clone(cause)),
            // It hangs, and has not said why.
            Error::Timeout { why: Why::Connecting { .. } | Why::Checking { .. }, .. } => {
                self.goes_down(Arc::new(error.clone()));
            }
            _ => {}
        }
    }

    pub(super) fn goes_down(&self, cause: Cause) {
        let mut state = self.state.lock();
        if state.down.is_some() {
            return;
        }
        state.down = Some((Instant::now(), Arc::clone(&cause)));
        state.went_down += 1;
        drop(state);
        event!(warn, self.pool.shared, { role = ?self.role, reason = %cause, }, "endpoint is down");
    }

    pub(super) fn comes_back(&self) {
        let mut state = self.state.lock();
        let Some((since, _)) = state.down.take() else { return };
        state.came_back += 1;
        drop(state);
        event!(info, self.pool.shared, { role = ?self.role, after = ?since.elapsed(), }, "endpoint is back");
    }

    pub(super) fn stats(&self) -> EndpointStats {
        let state = self.state.lock();
        let down = state.down.as_ref();
        EndpointStats {
            name: self.pool.settings().name.clone(),
            role: self.role,
            is_up: down.is_none(),
            down_ns: down.map_or(0, |(since, _)| {
                u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
            }),
            last_error: down.map(|(_, cause)| cause.to_string()),
            went_down: state.went_down,
            came_back: state.came_back,
            // Ordering: Relaxed; statistics.
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            pool: self.pool.stats(),
        }
    }
}
