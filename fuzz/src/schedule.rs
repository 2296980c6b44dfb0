//! The pool over a database that is not there, by a schedule of calls in paused time, against a model: who
//! holds, who waits in which order and for which tenant, and which connections are too old to be handed out.

use std::cmp::Reverse;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use pool::{
    Ageing, Breaker, CircuitState, Condition, Error, Guard, Pool, Priority, Settings, Stats, Tenant,
    TenantLimits,
};
use tokio::time::Instant;

use crate::fake::{Fake, Server, assert_whole, millis, settings, start};

/// One thing that happens. Positions count round.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    /// With a priority, and in the name of one of the tenants or of none.
    Acquire(u8, u8),
    TryAcquire(u8),
    /// The most that one of the tenants may have.
    TenantMax(u8, u8),
    Cancel(u8),
    Release(u8),
    ReleaseDirty(u8),
    CloseOne(u8),
    Detach(u8),
    Reset,
    ExpireNow,
    Maintain,
    Renew,
    /// The database goes down or comes back.
    Down(bool),
    /// All that are open die.
    Kill,
    CleaningFails(bool),
    /// Every so manieth step of the database fails.
    FailsEach(u8),
    Tick(u8),
    Second,
}

/// A pool and what happens to it.
#[derive(Debug)]
pub struct Plan {
    max: usize,
    min: usize,
    /// How long each step of the database takes, in milliseconds.
    takes: [u8; 4],
    /// Whether there is a circuit, which opens after two failures in a row.
    has_breaker: bool,
    steps: Vec<Step>,
}

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let max = u.int_in_range(1..=4)?;
        let (min, takes) = (u.int_in_range(0..=max)?, u.arbitrary::<[u8; 4]>()?.map(|ms| ms % 4));
        let has_breaker = u.arbitrary()?;
        let mut steps = Vec::new();
        while !u.is_empty() && steps.len() < 60 {
            steps.push(u.arbitrary()?);
        }
        Ok(Self { max, min, takes, has_breaker, steps })
    }
}

type Acquired = std::result::Result<Guard<Fake>, Error>;

/// When a caller's turn has come, its priority, and the how-manieth to come it is.
type Place = (Instant, Priority, u64);

/// Those in whose names callers ask. The first is none.
const TENANTS: [&str; 3] = ["", "one", "two"];

/// A caller that waits.
struct Waiting {
    place: Place,
    tenant: usize,
    future: Pin<Box<dyn Future<Output = Acquired>>>,
}

struct World {
    pool: Pool<Fake>,
    server: Arc<Server>,
    held: Vec<Guard<Fake>>,
    waiting: Vec<Waiting>,
    arrived: u64,
    /// How many each tenant had when last looked at.
    had: [usize; TENANTS.len()],
    /// Connections of earlier attempts than this are not to be handed out any more.
    too_old: usize,
}

/// Lets it happen, and panics where the pool does not do as the model.
pub fn check(plan: &Plan) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O can be built").block_on(run(plan));
}

async fn run(plan: &Plan) {
    let breaker = plan.has_breaker.then(|| Breaker {
        failures_in_a_row: Some(2),
        open_min: millis(20),
        open_max: millis(100),
        ..Breaker::default()
    });
    let (pool, server) = start(Settings { breaker, ..settings(plan.min, plan.max) }).await;
    let [connect, check, clean, close] = plan.takes.map(u64::from);
    server.connect_ms.store(connect, SeqCst);
    server.check_ms.store(check, SeqCst);
    server.clean_ms.store(clean, SeqCst);
    server.close_ms.store(close, SeqCst);
    let (held, waiting) = (Vec::new(), Vec::new());
    let mut world = World { pool, server, held, waiting, arrived: 0, had: [0; 3], too_old: 0 };
    world.pool.set_tenant(TENANTS[2], limits(2)).expect("a maximum of two");
    for step in &plan.steps {
        world.step(*step).await;
        world.settle().await;
    }
    world.end().await;
}

/// One of the elements, taken out.
fn take<T>(from: &mut Vec<T>, position: u8) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(usize::from(position) % from.len()))
}

impl World {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Acquire(priority, tenant) => self.acquire(priority, tenant),
            Step::TryAcquire(tenant) => {
                let (_, pool, claims) = self.ask(tenant);
                let acquired =
                    pool.map_or_else(|| self.pool.try_acquire(), |pool| pool.try_acquire());
                assert!(acquired.is_err() || claims == 0, "a newcomer has overtaken");
                self.held.extend(acquired);
            }
            Step::TenantMax(tenant, max) => {
                let name = TENANTS[1 + usize::from(tenant % 2)];
                let limits = limits(usize::from(max % 3) + 1);
                self.pool.set_tenant(name, limits).expect("a maximum of one to three");
            }
            Step::Cancel(at) => drop(take(&mut self.waiting, at)),
            Step::Release(at) => drop(take(&mut self.held, at)),
            Step::ReleaseDirty(at) => {
                if let Some(mut guard) = take(&mut self.held, at) {
                    guard.condition = Condition::Dirty;
                }
            }
            Step::CloseOne(at) => {
                if let Some(guard) = take(&mut self.held, at) {
                    tokio::spawn(async { _ = guard.close().await });
                }
            }
            Step::Detach(at) => drop(take(&mut self.held, at).map(Guard::detach)),
            Step::Tick(time) => tokio::time::sleep(millis(u64::from(time % 16) + 1)).await,
            Step::Second => tokio::time::sleep(millis(1_000)).await,
            _ => self.disturb(step),
        }
    }

    /// What happens to the pool as a whole, or to the database.
    fn disturb(&mut self, step: Step) {
        let pool = self.pool.clone();
        match step {
            Step::Reset | Step::ExpireNow => {
                // What is borrowed stays so; all that was begun before now is not handed out again. The
                // first poll makes it so.
                self.too_old = self.server.attempts.load(SeqCst);
                let mut reset: Pin<Box<dyn Future<Output = ()> + Send>> = match step {
                    Step::Reset => Box::pin(async move { _ = pool.reset().await }),
                    _ => Box::pin(async move { pool.expire_now().await }),
                };
                if poll(&mut reset).is_pending() {
                    tokio::spawn(reset);
                }
            }
            Step::Maintain => drop(tokio::spawn(async move { pool.maintain().await })),
            Step::Renew => drop(tokio::spawn(async move { _ = pool.renew().await })),
            Step::Down(down) => self.server.is_down.store(down, SeqCst),
            Step::Kill => self.server.kill_all(),
            Step::CleaningFails(fails) => self.server.cleaning_fails.store(fails, SeqCst),
            Step::FailsEach(each) => self.server.fails_each.store(usize::from(each % 8), SeqCst),
            _ => unreachable!("{step:?} is done elsewhere"),
        }
    }

    /// Who asks, and how many of those who wait could have what is idle.
    fn ask(&self, tenant: u8) -> (usize, Option<Tenant<Fake>>, usize) {
        let tenant = usize::from(tenant) % TENANTS.len();
        let pool = (tenant > 0).then(|| self.pool.tenant(TENANTS[tenant]));
        (tenant, pool, claims(&self.pool.stats()))
    }

    fn acquire(&mut self, priority: u8, tenant: u8) {
        let priority = [Priority::High, Priority::Normal, Priority::Low][usize::from(priority % 3)];
        let (tenant, named, claims) = self.ask(tenant);
        let pool = self.pool.clone();
        let mut future: Pin<Box<dyn Future<Output = Acquired>>> = Box::pin(async move {
            match named {
                Some(named) => named.acquire_with(priority).await,
                None => pool.acquire_with(priority).await,
            }
        });
        match poll(&mut future) {
            Poll::Ready(acquired) => {
                assert!(acquired.is_err() || claims == 0, "a newcomer has overtaken");
                self.held.extend(acquired.inspect(|guard| self.may_be_handed_out(guard)));
            }
            Poll::Pending => {
                let place = (Instant::now() + allowance(priority), priority, self.arrived);
                self.waiting.push(Waiting { place, tenant, future });
            }
        }
        self.arrived += 1;
    }

    fn may_be_handed_out(&self, guard: &Guard<Fake>) {
        assert!(guard.attempt >= self.too_old, "handed out after a reset");
        assert_eq!(guard.condition, Condition::Clean, "handed out dirty");
    }

    /// Lets the pool's tasks run that need no time, sees who was served, and compares.
    async fn settle(&mut self) {
        for _ in 0..8 {
            tokio::task::yield_now().await;
            self.serve();
        }
        let stats = self.pool.stats();
        assert_eq!(stats.waiting, self.waiting.len(), "{stats:?}");
        let is_open = stats.breaker.as_ref().is_some_and(|at| at.state != CircuitState::Closed);
        assert!(
            !is_open || stats.waiting == 0,
            "somebody waits while the circuit is open: {stats:?}"
        );
        assert!(self.held.len() <= stats.in_use && stats.open <= stats.max, "{stats:?}");
        assert!(self.server.most_open.load(SeqCst) <= stats.max, "more than the maximum were open");
        assert!(
            claims(&stats) <= stats.checking || stats.idle == 0,
            "idle beside who waits: {stats:?}"
        );
        for tenant in &stats.tenants {
            let at = TENANTS.iter().position(|name| *name == tenant.name).expect("it is known");
            let max = tenant.max.unwrap_or(usize::MAX);
            // What it had when its maximum was lowered it keeps.
            assert!(tenant.in_use <= max.max(self.had[at]), "more than its maximum: {stats:?}");
            self.had[at] = tenant.in_use;
        }
        let mut numbers: Vec<usize> = self.held.iter().map(|guard| guard.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), self.held.len(), "one connection has two holders");
    }

    /// Polls all who wait. Who was served came before all of the same tenant who still wait.
    fn serve(&mut self) {
        self.waiting.sort_by_key(|waiting| Reverse(waiting.place));
        let mut first_left = [None; TENANTS.len()];
        for mut waiting in std::mem::take(&mut self.waiting).into_iter().rev() {
            match poll(&mut waiting.future) {
                Poll::Pending => {
                    first_left[waiting.tenant].get_or_insert(waiting.place);
                    self.waiting.push(waiting);
                }
                Poll::Ready(Err(_)) => {}
                Poll::Ready(Ok(guard)) => {
                    let first_left = first_left[waiting.tenant];
                    assert!(
                        first_left.is_none(),
                        "{:?} was served before {first_left:?}",
                        waiting.place
                    );
                    self.may_be_handed_out(&guard);
                    self.held.push(guard);
                }
            }
        }
    }

    /// With the database up again and nobody there, the pool is whole, and can be closed.
    async fn end(mut self) {
        self.server.is_down.store(false, SeqCst);
        self.server.cleaning_fails.store(false, SeqCst);
        self.server.fails_each.store(0, SeqCst);
        self.waiting.clear();
        self.held.clear();
        tokio::time::sleep(millis(60_000)).await;
        assert_whole(&self.pool, &self.server).await;
        self.pool.close(millis(60_000)).await.expect("nothing is borrowed");
        assert_eq!(self.server.open.load(SeqCst), 0, "a connection has outlived its pool");
    }
}

fn limits(max: usize) -> TenantLimits {
    TenantLimits::new().max(max)
}

/// How many of those who wait could be served if there were enough connections.
fn claims(stats: &Stats) -> usize {
    let tenants = stats.tenants.iter().map(|tenant| {
        let room = tenant.max.map_or(usize::MAX, |max| max.saturating_sub(tenant.in_use));
        tenant.waiting.min(room)
    });
    let named: usize = stats.tenants.iter().map(|tenant| tenant.waiting).sum();
    stats.waiting - named + tenants.sum::<usize>()
}

fn allowance(priority: Priority) -> Duration {
    let ageing = Ageing::default();
    match priority {
        Priority::High => Duration::ZERO,
        Priority::Normal => ageing.normal,
        Priority::Low => ageing.low,
    }
}

fn poll<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
