//! The pool over a database that is not there, by a schedule of calls in paused time, against a model: who
//! holds, who waits in which order, and which connections are too old to be handed out.

use std::cmp::Reverse;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};

use arbitrary::{Arbitrary, Result, Unstructured};
use pool::{Condition, Error, Guard, Pool, Priority};

use crate::fake::{Fake, Server, assert_whole, millis, settings};

/// One thing that happens. Positions count round.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Acquire(u8),
    TryAcquire,
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
    /// How long each step of the database takes, in milliseconds; the last is that of a hook before loans.
    takes: [u8; 5],
    has_hook: bool,
    /// Whether idle connections are checked in the background.
    inspects: bool,
    steps: Vec<Step>,
}

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let max = u.int_in_range(1..=4)?;
        let (min, takes) = (u.int_in_range(0..=max)?, u.arbitrary::<[u8; 5]>()?.map(|ms| ms % 4));
        let (has_hook, inspects) = (u.arbitrary()?, u.arbitrary()?);
        let mut steps = Vec::new();
        while !u.is_empty() && steps.len() < 60 {
            steps.push(u.arbitrary()?);
        }
        Ok(Self { max, min, takes, has_hook, inspects, steps })
    }
}

type Acquired = std::result::Result<Guard<Fake>, Error>;

/// A caller that waits, and its place: by priority, then by arrival.
struct Waiting {
    place: (Priority, u64),
    future: Pin<Box<dyn Future<Output = Acquired>>>,
}

struct World {
    pool: Pool<Fake>,
    server: Arc<Server>,
    held: Vec<Guard<Fake>>,
    waiting: Vec<Waiting>,
    arrived: u64,
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
    let fake = Fake::default();
    let server = Arc::clone(&fake.0);
    server.asks_before_loans.store(plan.has_hook, SeqCst);
    let mut settings = settings(plan.min, plan.max);
    settings.health.idle_every = plan.inspects.then(|| millis(20));
    let pool = Pool::start(fake, settings).await.expect("the fake server is up");
    let [connect, check, clean, close, ask] = plan.takes.map(u64::from);
    server.ask_ms.store(ask, SeqCst);
    server.connect_ms.store(connect, SeqCst);
    server.check_ms.store(check, SeqCst);
    server.clean_ms.store(clean, SeqCst);
    server.close_ms.store(close, SeqCst);
    let (held, waiting) = (Vec::new(), Vec::new());
    let mut world = World { pool, server, held, waiting, arrived: 0, too_old: 0 };
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
            Step::Acquire(priority) => self.acquire(priority),
            Step::TryAcquire => {
                let acquired = self.pool.try_acquire();
                assert!(acquired.is_err() || self.waiting.is_empty(), "a newcomer has overtaken");
                self.held.extend(acquired);
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

    fn acquire(&mut self, priority: u8) {
        let priority = [Priority::High, Priority::Normal, Priority::Low][usize::from(priority % 3)];
        let pool = self.pool.clone();
        let mut future: Pin<Box<dyn Future<Output = Acquired>>> =
            Box::pin(async move { pool.acquire_with(priority).await });
        match poll(&mut future) {
            Poll::Ready(acquired) => {
                // One of a higher priority goes before those who wait.
                let overtaken = self.waiting.iter().any(|waiting| waiting.place.0 <= priority);
                assert!(acquired.is_err() || !overtaken, "a newcomer has overtaken");
                self.held.extend(acquired.inspect(|guard| self.may_be_handed_out(guard)));
            }
            Poll::Pending => self.waiting.push(Waiting { place: (priority, self.arrived), future }),
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
        assert!(self.held.len() <= stats.in_use && stats.open <= stats.max, "{stats:?}");
        assert!(self.server.most_open.load(SeqCst) <= stats.max, "more than the maximum were open");
        let mut numbers: Vec<usize> = self.held.iter().map(|guard| guard.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), self.held.len(), "one connection has two holders");
    }

    /// Polls all who wait. Who was served came before all who still wait.
    fn serve(&mut self) {
        self.waiting.sort_by_key(|waiting| Reverse(waiting.place));
        let mut first_left = None;
        for mut waiting in std::mem::take(&mut self.waiting).into_iter().rev() {
            match poll(&mut waiting.future) {
                Poll::Pending => {
                    first_left.get_or_insert(waiting.place);
                    self.waiting.push(waiting);
                }
                Poll::Ready(Err(_)) => {}
                Poll::Ready(Ok(guard)) => {
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

fn poll<T>(future: &mut Pin<Box<impl Future<Output = T> + ?Sized>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
