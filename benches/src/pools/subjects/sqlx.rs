//! sqlx's own pool.

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, pool::PoolOptions};

use super::super::fake::{Fake, Noop, NoopOptions};
use super::super::subject::{Shape, Subject};
use super::Postgres;

/// The pool of a database.
#[derive(Debug)]
pub struct SqlxPool<DB: Database>(Pool<DB>);

impl<DB: Database> Clone for SqlxPool<DB> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

fn options<DB: Database>(shape: Shape) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(u32::try_from(shape.max).expect("a small number"))
        .acquire_timeout(shape.stretched(shape.limit))
        .test_before_acquire(shape.check)
}

impl Subject<Fake> for SqlxPool<Noop> {
    const NAME: &'static str = "sqlx";
    type Guard = PoolConnection<Noop>;

    async fn start(backend: Fake, shape: Shape) -> Self {
        Self(options(shape).connect_lazy_with(NoopOptions(backend.0)))
    }

    async fn acquire(&self) -> Option<PoolConnection<Noop>> {
        self.0.acquire().await.ok()
    }
}

impl Subject<Postgres> for SqlxPool<sqlx::Postgres> {
    const NAME: &'static str = "sqlx";
    type Guard = PoolConnection<sqlx::Postgres>;

    async fn start(backend: Postgres, shape: Shape) -> Self {
        Self(options(shape).connect_lazy_with(backend.options))
    }

    async fn acquire(&self) -> Option<PoolConnection<sqlx::Postgres>> {
        self.0.acquire().await.ok()
    }
}
