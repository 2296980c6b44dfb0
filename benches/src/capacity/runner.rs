//! Runs: the real pool, or a peer's, over connections that do nothing but be held.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::clock::Clock;
use super::figures::Figures;
use super::input::Input;
use super::knee::{self, Step};
use super::load::{Call, Outcome, drive, steady};
use crate::number::{count, float};
use crate::pools::Subject;
use crate::pools::fake::{Fake, Noop, Server};
use crate::pools::subject::{Shape, warm, warm_up_to};
use crate::pools::subjects::{Bb8, Deadpool, Ours, SqlxPool, Timed, Untimed};

/// The arrivals of all runs, so that sizes and pools differ by themselves and not by chance.
pub const SEED: u64 = 1;

/// A pool that a plan can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// This project's.
    Ours,
    /// sqlx's own.
    Sqlx,
    /// deadpool, without time-outs.
    Deadpool,
    /// deadpool, with time-outs.
    DeadpoolTimed,
    /// bb8.
    Bb8,
}

impl Peer {
    /// Those that ours can be compared with. qp is not among them: under a crowd its callers hang.
    pub const PEERS: [Self; 4] = [Self::Sqlx, Self::Deadpool, Self::DeadpoolTimed, Self::Bb8];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Sqlx => "sqlx",
            Self::Deadpool => "deadpool",
            Self::DeadpoolTimed => "deadpool+t",
            Self::Bb8 => "bb8",
        }
    }
}

/// How long runs are.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Calls in a run.
    pub calls: usize,
    /// Calls in a run that is compared with theory: at 95 % utilisation, means of fewer are mostly chance.
    pub check_calls: usize,
    /// Calls in a simulation.
    pub simulated: usize,
    /// How often a start and a burst are repeated.
    pub repeats: usize,
}

impl Scale {
    /// For a report.
    pub const FULL: Self =
        Self { calls: 1_000_000, check_calls: 2_000_000, simulated: 1_000_000, repeats: 60 };
    /// For CI.
    pub const QUICK: Self =
        Self { calls: 200_000, check_calls: 600_000, simulated: 200_000, repeats: 30 };
    /// For a test that it runs at all.
    pub const TINY: Self = Self { calls: 4_000, check_calls: 8_000, simulated: 20_000, repeats: 5 };

    /// No more calls than come in so many seconds: on the wall's clock they take as long.
    #[must_use]
    pub fn within(self, rate: f64, seconds: f64) -> Self {
        let most = |calls: usize, seconds: f64| calls.min(count(rate * seconds).max(100));
        Self {
            calls: most(self.calls, seconds),
            check_calls: most(self.check_calls, 3.0 * seconds),
            repeats: self.repeats.min(5),
            ..self
        }
    }
}

/// What all runs of a plan have in common.
#[derive(Clone, Copy, Debug)]
pub struct Runner<'i> {
    /// What the plan is for.
    pub input: &'i Input,
    /// The clock.
    pub clock: Clock,
    /// How long runs are.
    pub scale: Scale,
}

impl Runner<'_> {
    /// The steady load at so many times the rate that was asked for.
    #[must_use]
    pub fn steady(&self, factor: f64, calls: usize) -> Vec<Call> {
        steady(self.input.rate * factor, &self.input.service, calls, SEED)
    }

    /// The figures of a run at so many times the rate.
    #[must_use]
    pub fn figures(&self, peer: Peer, size: usize, factor: f64) -> Figures {
        let calls = self.steady(factor, self.scale.calls);
        Figures::of_run(&self.outcomes(peer, size, size, &calls), self.input.quantile)
    }

    /// What becomes of the calls on a pool of this size, of which so many connections are open.
    #[must_use]
    pub fn outcomes(&self, peer: Peer, size: usize, open: usize, calls: &[Call]) -> Vec<Outcome> {
        match peer {
            Peer::Ours => self.on::<Ours<Fake>>(size, open, calls),
            Peer::Sqlx => self.on::<SqlxPool<Noop>>(size, open, calls),
            Peer::Deadpool => self.on::<Deadpool<Fake, Untimed>>(size, open, calls),
            Peer::DeadpoolTimed => self.on::<Deadpool<Fake, Timed>>(size, open, calls),
            Peer::Bb8 => self.on::<Bb8<Fake>>(size, open, calls),
        }
    }

    fn on<S: Subject<Fake>>(&self, size: usize, open: usize, calls: &[Call]) -> Vec<Outcome> {
        self.clock.run(async {
            let server = Arc::new(Server::default());
            let pool: S = warm_up_to(open, Fake(Arc::clone(&server)), self.shape(size)).await;
            let opening = self.clock.span(self.input.connect).as_millis();
            server.connect_ms.store(u64::try_from(opening).unwrap_or(u64::MAX), Relaxed);
            drive(&pool, self.clock, calls, self.input.callers()).await
        })
    }

    /// The throughput of so many callers that never pause, over this size.
    #[must_use]
    pub fn step(&self, size: usize, concurrency: usize) -> Step {
        // As many calls as a tenth of a run has, shared by the places that are busy.
        let busy = float(concurrency.min(size / self.input.held).max(1));
        let seconds = float(self.scale.calls) / 10.0 * self.input.service.mean() / busy;
        let seconds = if self.clock.is_virtual() { seconds } else { seconds.min(0.5) };
        self.clock.run(async {
            let pool: Ours<Fake> = warm(Fake::default(), self.shape(size)).await;
            knee::step(&pool, self.clock, self.input, concurrency, seconds).await
        })
    }

    fn shape(&self, size: usize) -> Shape {
        shape(self.input, self.clock, size)
    }
}

/// How a pool of this size is set up.
pub(super) fn shape(input: &Input, clock: Clock, size: usize) -> Shape {
    let limit = Duration::from_secs_f64(input.limit());
    Shape { stretch: clock.stretch(), limit, ..Shape::of(size) }
}
