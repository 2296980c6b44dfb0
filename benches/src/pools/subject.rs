//! What a pool must do to take part, and what it connects to.

use std::future::Future;
use std::ops::DerefMut;
use std::time::Duration;

/// A step of a backend that did not work.
#[derive(Debug, thiserror::Error)]
#[error("the backend failed: {0}")]
pub struct Failed(pub String);

/// What the peers' managers connect to. sqlx's pool and ours know it by types of their own.
pub trait Backend: Clone + Send + Sync + 'static {
    /// What is pooled.
    type Connection: Send + Sync + 'static;

    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Failed>> + Send;

    /// Sees whether a connection works.
    fn check(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), Failed>> + Send;

    /// The same without changing it, as far as that is possible.
    fn check_shared(
        &self,
        connection: &Self::Connection,
    ) -> impl Future<Output = Result<(), Failed>> + Send;
}

/// How a pool is set up.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many connections there may be.
    pub max: usize,
    /// How long each step may take, as far as the pool knows such a limit.
    pub limit: Duration,
    /// Whether a connection is checked when it is acquired. Ours checks those that were idle for 100 ms.
    pub check: bool,
    /// How many times longer all times are than the pool's users know them: its own settings are made as many
    /// times longer. 1 but for runs whose clock is not the wall's.
    pub stretch: u32,
}

impl Shape {
    /// So many connections, not checked, and half a minute for each step.
    #[must_use]
    pub fn of(max: usize) -> Self {
        Self { max, limit: Duration::from_secs(30), check: false, stretch: 1 }
    }

    /// One of the pool's own times, as it is in the run.
    #[must_use]
    pub fn stretched(&self, time: Duration) -> Duration {
        time.saturating_mul(self.stretch)
    }
}

/// A pool under test. Clones are handles of one pool.
pub trait Subject<B: Backend>: Clone + Send + Sync + 'static {
    /// The name in tables.
    const NAME: &'static str;

    /// What gives its connection back when it is dropped.
    type Guard: DerefMut<Target = B::Connection> + Send + 'static;

    /// Sets it up. Need not open anything.
    fn start(backend: B, shape: Shape) -> impl Future<Output = Self> + Send;

    /// Borrows a connection. `None`: the pool gave up.
    fn acquire(&self) -> impl Future<Output = Option<Self::Guard>> + Send;

    /// Closes what dropping the pool would not.
    fn end(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Sets up a pool, with all its connections open and idle.
pub async fn warm<B: Backend, S: Subject<B>>(backend: B, shape: Shape) -> S {
    warm_up_to(shape.max, backend, shape).await
}

/// Sets up a pool with so many connections open and idle.
pub async fn warm_up_to<B: Backend, S: Subject<B>>(open: usize, backend: B, shape: Shape) -> S {
    let pool = S::start(backend, shape).await;
    let mut held = Vec::new();
    for _ in 0..open {
        held.push(pool.acquire().await.expect("the backend is up"));
    }
    drop(held);
    // Some give connections back in tasks.
    tokio::time::sleep(Duration::from_millis(20)).await;
    pool
}
