//! Which endpoint serves whom.

use std::panic::Location;
use std::time::Duration;

use tokio::time::Instant;

use super::Inner;
use super::endpoint::Endpoint;
use super::settings::{Reads, Role, Routing};
use crate::ask::Ask;
use crate::connector::Connector;
use crate::error::Error;
use crate::event::event;
use crate::guard::Guard;
use crate::sync::Ordering;

/// Which endpoints were asked, a bit for each.
#[derive(Clone, Copy, Default)]
struct Asked(u64);

impl Asked {
    fn with(self, at: usize) -> Self {
        Self(self.0 | 1 << at)
    }

    fn has(self, at: usize) -> bool {
        self.0 & 1 << at != 0
    }
}

impl<C: Connector> Inner<C> {
    /// Asks one endpoint after the other until one serves, within one deadline.
    pub(crate) async fn read_by(
        &self,
        by: &'static Location<'static>,
        ask: Ask,
    ) -> Result<Guard<C>, Error> {
        let primary = &self.endpoints[0].pool;
        let limit = ask.limit.unwrap_or(primary.settings().acquire_timeout);
        // Ordering: Relaxed; whose turn it is decides nothing that others depend on.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let (begun, mut asked) = (Instant::now(), Asked::default());
        // There is an endpoint for reads, so this is never what is answered.
        let mut last = Error::Closed;
        while let Some(at) = self.next(turn, asked) {
            let endpoint = &self.endpoints[at];
            let is_first = asked.0 == 0;
            asked = asked.with(at);
            let left = limit.saturating_sub(begun.elapsed());
            let patience = self.patience(turn, asked, left);
            match endpoint.pool.acquire_by(by, ask.clone().within(patience)).await {
                Ok(guard) => {
                    endpoint.comes_back();
                    // Ordering: Relaxed; statistics.
                    endpoint.reads.fetch_add(1, Ordering::Relaxed);
                    self.fail_overs.fetch_add(u64::from(!is_first), Ordering::Relaxed);
                    return Ok(guard);
                }
                Err(error @ (Error::Closed | Error::Invalid(_))) => return Err(error),
                Err(error) => {
                    endpoint.note(&error);
                    event!(debug, endpoint.pool.shared, { by = %by, reason = %error, }, "endpoint does not serve the read");
                    last = error;
                }
            }
            if begun.elapsed() >= limit {
                break;
            }
        }
        Err(last)
    }

    /// How long to wait at an endpoint: while there is another one, not for all that is left.
    fn patience(&self, turn: u64, asked: Asked, left: Duration) -> Duration {
        match self.next(turn, asked) {
            Some(_) => left.min(self.settings.fail_over_after),
            None => left,
        }
    }

    /// The endpoint to ask next. One that is down only while every one for reads is.
    fn next(&self, turn: u64, asked: Asked) -> Option<usize> {
        let for_reads = self.for_reads(turn);
        let none_up = for_reads.clone().all(|at| !self.endpoints[at].is_up());
        for_reads
            .filter(|at| !asked.has(*at) && (none_up || self.endpoints[*at].is_up()))
            .min_by_key(|at| self.rank(&self.endpoints[*at]))
    }

    /// The endpoints that may serve reads, from the one on whose turn it is; a primary that is a spare is
    /// the last and has no turn.
    fn for_reads(&self, turn: u64) -> impl Iterator<Item = usize> + Clone {
        let count = self.endpoints.len();
        let takes_turns = usize::from(self.settings.reads != Reads::Any)..count;
        let first = turn % u64::try_from(takes_turns.len().max(1)).unwrap_or(1);
        let first = takes_turns.start + usize::try_from(first).unwrap_or(0);
        let spare = 0..usize::from(self.settings.reads == Reads::Replicas);
        (first..count).chain(takes_turns.start..first).chain(spare)
    }

    /// Lower is asked sooner; among equals, whose turn it is.
    fn rank(&self, endpoint: &Endpoint<C>) -> (bool, bool, usize) {
        let is_spare = endpoint.role == Role::Primary && self.settings.reads == Reads::Replicas;
        let load = match self.settings.routing {
            Routing::LeastLoaded => endpoint.load(),
            Routing::RoundRobin => 0,
        };
        (is_spare, endpoint.is_shaky(), load)
    }

    pub(crate) async fn write_by(
        &self,
        by: &'static Location<'static>,
        ask: Ask,
    ) -> Result<Guard<C>, Error> {
        let primary = &self.endpoints[0];
        if let Some(cause) = primary.down() {
            return Err(Error::ReadOnly { cause });
        }
        let acquired = primary.pool.acquire_by(by, ask).await;
        match &acquired {
            Ok(_) => {
                // Ordering: Relaxed; a statistic.
                primary.writes.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => primary.note(error),
        }
        acquired
    }
}
