//! Ours, with its time-outs, its statistics and its events (which nobody listens to), as it comes.

use std::convert::Infallible;
use std::fmt;

use pool::{Condition, Config, ConnectionManager, Connector, Guard, Observe, Pool, Settings};

use super::super::fake::{Fake, Link};
use super::super::subject::{Shape, Subject};
use super::Postgres;

/// The pool over a connector.
pub struct Ours<C: Connector>(Pool<C>);

impl<C: Connector> Clone for Ours<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: Connector> fmt::Debug for Ours<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Connector for Fake {
    type Connection = Link;
    type Error = Infallible;

    async fn connect(&self) -> Result<Link, Infallible> {
        Ok(self.0.connect().await)
    }

    async fn check(&self, _: &mut Link) -> Result<(), Infallible> {
        self.0.check().await;
        Ok(())
    }

    fn condition(&self, _: &mut Link) -> Condition {
        Condition::Clean
    }

    async fn clean(&self, _: &mut Link, _: Condition) -> Result<(), Infallible> {
        Ok(())
    }

    async fn close(&self, _: Link) -> Result<(), Infallible> {
        Ok(())
    }
}

fn settings(shape: Shape) -> Settings {
    let as_it_comes = Settings::default();
    let longer = |time| shape.stretched(time);
    let gauges_every = as_it_comes.observe.gauges_every.map(longer);
    Settings {
        min: 0,
        max: shape.max,
        acquire_timeout: longer(shape.limit),
        connect_timeout: longer(as_it_comes.connect_timeout),
        check_after: longer(as_it_comes.check_after),
        check_timeout: longer(as_it_comes.check_timeout),
        max_lifetime: as_it_comes.max_lifetime.map(longer),
        idle_timeout: as_it_comes.idle_timeout.map(longer),
        renew_before: longer(as_it_comes.renew_before),
        retry_min: longer(as_it_comes.retry_min),
        retry_max: longer(as_it_comes.retry_max),
        maintenance_every: as_it_comes.maintenance_every.map(longer),
        observe: Observe { gauges_every, ..as_it_comes.observe },
        ..as_it_comes
    }
}

impl Subject<Fake> for Ours<Fake> {
    const NAME: &'static str = "ours";
    type Guard = Guard<Fake>;

    async fn start(backend: Fake, shape: Shape) -> Self {
        let mut settings = settings(shape);
        if shape.check {
            // The fake's checks are there to be met.
            settings.check_after = std::time::Duration::ZERO;
        }
        Self(Pool::start(backend, settings).await.expect("the settings make sense"))
    }

    async fn acquire(&self) -> Option<Guard<Fake>> {
        self.0.acquire().await.ok()
    }
}

impl Subject<Postgres> for Ours<pool::Sqlx<sqlx::Postgres>> {
    const NAME: &'static str = "ours";
    type Guard = pool::PooledConnection<sqlx::Postgres>;

    async fn start(backend: Postgres, shape: Shape) -> Self {
        let config = Config::with_options(backend.options).set(|all| *all = settings(shape));
        Self(ConnectionManager::connect(config).await.expect("the settings make sense"))
    }

    async fn acquire(&self) -> Option<Self::Guard> {
        self.0.acquire().await.ok()
    }
}
