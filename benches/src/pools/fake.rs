//! A server that is not there: opening and checking take the time that they are told to, and are counted.

mod noop;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub use self::noop::{Noop, NoopOptions};
use super::subject::{Backend, Failed};

/// What was done to the server, and how long its steps take, in milliseconds.
#[derive(Debug, Default)]
pub struct Server {
    /// How long opening takes.
    pub connect_ms: AtomicU64,
    /// How long a check takes.
    pub check_ms: AtomicU64,
    /// Attempts to open.
    pub attempts: AtomicU64,
    /// Connections opened.
    pub opened: AtomicU64,
    /// Connections closed or dropped.
    pub closed: AtomicU64,
}

impl Server {
    /// Opens a connection.
    pub async fn connect(self: &Arc<Self>) -> Link {
        self.attempts.fetch_add(1, Relaxed);
        pause(&self.connect_ms).await;
        self.opened.fetch_add(1, Relaxed);
        Link { server: Arc::clone(self) }
    }

    /// Checks a connection.
    pub async fn check(&self) {
        pause(&self.check_ms).await;
    }
}

async fn pause(millis: &AtomicU64) {
    let millis = millis.load(Relaxed);
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// A connection to the server, which can do nothing.
#[derive(Debug)]
pub struct Link {
    pub(super) server: Arc<Server>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.server.closed.fetch_add(1, Relaxed);
    }
}

/// The server as a backend.
#[derive(Clone, Debug, Default)]
pub struct Fake(pub Arc<Server>);

impl Backend for Fake {
    type Connection = Link;

    async fn connect(&self) -> Result<Link, Failed> {
        Ok(self.0.connect().await)
    }

    async fn check(&self, _: &mut Link) -> Result<(), Failed> {
        self.0.check().await;
        Ok(())
    }

    async fn check_shared(&self, _: &Link) -> Result<(), Failed> {
        self.0.check().await;
        Ok(())
    }
}
