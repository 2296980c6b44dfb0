//! A database that is not there, which does what a test tells it to.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use pool::{Condition, ConnectionMetadata, Connector, HookSet, Pool, Settings};

/// What the database does, and what was done to it. Shared by the connector and its connections.
#[derive(Default)]
pub(crate) struct Server {
    /// How long each step takes, in milliseconds.
    pub(crate) connect_ms: AtomicU64,
    pub(crate) check_ms: AtomicU64,
    pub(crate) clean_ms: AtomicU64,
    pub(crate) ask_ms: AtomicU64,
    pub(crate) close_ms: AtomicU64,
    /// How often each step yields to the scheduler before it is done.
    pub(crate) yields: AtomicU64,
    /// Whether connecting fails; whether it panics, once.
    pub(crate) is_down: AtomicBool,
    pub(crate) panics: AtomicBool,
    /// Every so manieth step of any kind fails, if not 0.
    pub(crate) fails_each: AtomicUsize,
    /// Connections that were opened before this number are dead.
    pub(crate) dead_below: AtomicUsize,
    pub(crate) cleaning_fails: AtomicBool,
    /// Whether there is a hook before loans. To be set before the pool starts.
    pub(crate) asks_before_loans: AtomicBool,
    pub(crate) attempts: AtomicUsize,
    pub(crate) attempting: AtomicUsize,
    pub(crate) most_attempting: AtomicUsize,
    pub(crate) opened: AtomicUsize,
    pub(crate) open: AtomicUsize,
    pub(crate) most_open: AtomicUsize,
    pub(crate) checks: AtomicUsize,
    pub(crate) cleans: AtomicUsize,
    pub(crate) closes: AtomicUsize,
    steps: AtomicUsize,
}

/// A step takes so long that nobody waits for its end.
pub(crate) const FROZEN: u64 = 1_000_000_000;

#[derive(Clone, Default)]
pub(crate) struct Fake(pub Arc<Server>);

pub(crate) struct FakeConnection {
    pub(crate) number: usize,
    /// The number of the attempt that opened it: a later one may have been sooner done.
    pub(crate) attempt: usize,
    pub(crate) condition: Condition,
    server: Arc<Server>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fake server says no")]
pub(crate) struct No;

impl Server {
    async fn step(&self, millis: &AtomicU64) -> Result<(), No> {
        for _ in 0..self.yields.load(SeqCst) {
            tokio::task::yield_now().await;
        }
        let millis = millis.load(SeqCst);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        let step = self.steps.fetch_add(1, SeqCst) + 1;
        match self.fails_each.load(SeqCst) {
            0 => Ok(()),
            each if step.is_multiple_of(each) => Err(No),
            _ => Ok(()),
        }
    }

    /// All connections that are open now are dead.
    pub(crate) fn kill_all(&self) {
        self.dead_below.store(self.opened.load(SeqCst), SeqCst);
    }

    pub(crate) fn count(counter: &AtomicUsize) -> usize {
        counter.load(SeqCst)
    }
}

/// Counts down when the attempt ends, however it ends.
struct Attempting<'a>(&'a AtomicUsize);

impl Drop for Attempting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Connector for Fake {
    type Connection = FakeConnection;
    type Error = No;

    async fn connect(&self) -> Result<FakeConnection, No> {
        let server = &self.0;
        let attempt = server.attempts.fetch_add(1, SeqCst);
        let attempting = server.attempting.fetch_add(1, SeqCst) + 1;
        server.most_attempting.fetch_max(attempting, SeqCst);
        let _attempting = Attempting(&server.attempting);
        server.step(&server.connect_ms).await?;
        assert!(!server.panics.swap(false, SeqCst), "this panic is part of the test");
        if server.is_down.load(SeqCst) {
            return Err(No);
        }
        let open = server.open.fetch_add(1, SeqCst) + 1;
        server.most_open.fetch_max(open, SeqCst);
        let number = server.opened.fetch_add(1, SeqCst);
        Ok(FakeConnection {
            number,
            attempt,
            condition: Condition::Clean,
            server: Arc::clone(server),
        })
    }

    async fn check(&self, connection: &mut FakeConnection) -> Result<(), No> {
        self.0.checks.fetch_add(1, SeqCst);
        self.0.step(&self.0.check_ms).await?;
        if connection.number < self.0.dead_below.load(SeqCst) { Err(No) } else { Ok(()) }
    }

    fn condition(&self, connection: &mut FakeConnection) -> Condition {
        connection.condition
    }

    async fn clean(&self, connection: &mut FakeConnection, _: Condition) -> Result<(), No> {
        self.0.cleans.fetch_add(1, SeqCst);
        self.0.step(&self.0.clean_ms).await?;
        if self.0.cleaning_fails.load(SeqCst) {
            return Err(No);
        }
        connection.condition = Condition::Clean;
        Ok(())
    }

    fn hooks(&self) -> HookSet {
        let before_acquire = self.0.asks_before_loans.load(SeqCst);
        HookSet { before_acquire, ..HookSet::default() }
    }

    async fn before_acquire(
        &self,
        _: &mut FakeConnection,
        _: ConnectionMetadata,
    ) -> Result<bool, No> {
        self.0.step(&self.0.ask_ms).await.map(|()| true)
    }

    async fn close(&self, connection: FakeConnection) -> Result<(), No> {
        self.0.closes.fetch_add(1, SeqCst);
        self.0.step(&self.0.close_ms).await?;
        drop(connection);
        Ok(())
    }
}

impl Drop for FakeConnection {
    fn drop(&mut self) {
        self.server.open.fetch_sub(1, SeqCst);
    }
}

/// Settings without a maintenance task, so that a test drives it.
pub(crate) fn settings(min: usize, max: usize) -> Settings {
    Settings { min, max, maintenance_every: None, ..Default::default() }
}

pub(crate) async fn start(settings: Settings) -> (Pool<Fake>, Arc<Server>) {
    let fake = Fake::default();
    let server = Arc::clone(&fake.0);
    (Pool::start(fake, settings).await.expect("the fake server is up"), server)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sees that the pool has lost nothing: nobody waits, nothing is lent, and as many as the maximum can be
/// borrowed at once, clean, without a single one more.
pub(crate) async fn assert_whole(pool: &Pool<Fake>, server: &Server) {
    server.fails_each.store(0, SeqCst);
    let max = pool.settings().max;
    let mut held = Vec::new();
    for _ in 0..max {
        let guard = pool
            .acquire_timeout(Duration::from_secs(20))
            .await
            .expect("a connection for each place");
        assert_eq!(guard.condition, Condition::Clean, "handed out dirty");
        held.push(guard);
    }
    assert!(pool.try_acquire().is_err(), "one more than the maximum");
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.waiting, stats.open), (max, 0, max), "{stats:?}");
    assert_eq!(Server::count(&server.open), max);
    assert!(Server::count(&server.most_open) <= max, "more than the maximum were open");
    drop(held);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.idle), (0, max), "{stats:?}");
    assert_eq!(stats.created - stats.closed_total(), u64::try_from(max).unwrap());
}
