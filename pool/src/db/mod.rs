//! Connections of sqlx: opening, checking, cleaning and closing them.

mod address;
mod cluster;
mod config;
mod dialect;
mod executor;
mod gate_vars;
mod hooks;
mod instances;
mod transaction;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sqlx::{Connection, Database};
use sqlx_core::sql_str::SqlSafeStr;
use sqlx_core::transaction::TransactionManager;
use tokio::time::timeout;

pub use self::cluster::{ClusterConfig, ClusterExecutor, DatabaseCluster};
pub use self::config::Config;
use self::dialect::Dialect;
use self::hooks::{Hooks, ask};
pub use self::transaction::Transaction;
use crate::connector::{Condition, Connector};
use crate::error::StepTimeout;
use crate::guard::Guard;
use crate::hooks::{ConnectionMetadata, HookSet, HookStats, HookTimeouts, Runs};
use crate::pool::Pool;

/// A pool of sqlx connections. See [`Pool`] for its methods, and [`Config`] for how to get one.
///
/// A reference to it is an sqlx [`Executor`](sqlx::Executor) and [`Acquire`](sqlx::Acquire).
pub type ConnectionManager<DB> = Pool<Sqlx<DB>>;

/// A borrowed sqlx connection. It derefs to the database's connection.
pub type PooledConnection<DB> = Guard<Sqlx<DB>>;

/// How sqlx connects to a database.
pub type ConnectOptions<DB> = <<DB as Database>::Connection as Connection>::Options;

/// The [`Connector`] of sqlx's databases. Made by [`Config`].
pub struct Sqlx<DB: Database> {
    options: ConnectOptions<DB>,
    dialect: Dialect,
    reset_session: bool,
    hooks: Hooks<DB>,
    limits: HookTimeouts,
    before_connect: Runs,
    after_connect: Runs,
}

impl<DB: Database> fmt::Debug for Sqlx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the options: they may show a password.
        f.debug_struct("Sqlx").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl<DB: Database> Connector for Sqlx<DB> {
    type Connection = DB::Connection;
    type Error = sqlx::Error;

    fn name(&self) -> Option<String> {
        address::of(&self.options)
    }

    async fn connect(&self) -> Result<DB::Connection, sqlx::Error> {
        let mut connection = match &self.hooks.before_connect {
            Some(options) => {
                let limit = self.limits.before_connect;
                let runs = &self.before_connect;
                let options = in_time(runs, "before_connect", limit, options()).await?;
                DB::Connection::connect_with(&options).await?
            }
            None => DB::Connection::connect_with(&self.options).await?,
        };
        for prepare in &self.hooks.after_connect {
            let (runs, limit) = (&self.after_connect, self.limits.after_connect);
            in_time(runs, "after_connect", limit, prepare(&mut connection)).await?;
        }
        Ok(connection)
    }

    async fn check(&self, connection: &mut DB::Connection) -> Result<(), sqlx::Error> {
        match &self.hooks.check {
            Some(check) => check(connection).await,
            None => connection.ping().await,
        }
    }

    /// An open transaction and queued statements are known to the driver. Whether a call was cut short shows
    /// by what the driver still expects to read: finishing that is done at once if there is nothing.
    fn condition(&self, connection: &mut DB::Connection) -> Condition {
        if self.reset_session && self.dialect.reset().is_none() {
            return Condition::Spent;
        }
        if depth::<DB>(connection) > 0 || connection.should_flush() {
            return Condition::Dirty;
        }
        if self.dialect.is_remote() && !is_quiet(connection) {
            return Condition::CutShort;
        }
        if self.reset_session { Condition::Dirty } else { Condition::Clean }
    }

    async fn clean(
        &self,
        connection: &mut DB::Connection,
        condition: Condition,
    ) -> Result<(), sqlx::Error> {
        connection.flush().await?;
        while depth::<DB>(connection) > 0 {
            DB::TransactionManager::rollback(connection).await?;
        }
        // After a `BEGIN` that was cut short the driver knows of no transaction, but the server may. SQLite's
        // driver rolls back by itself what nobody has taken over.
        if condition == Condition::CutShort && self.dialect.is_remote() {
            outside_transaction::<DB>(connection, "ROLLBACK").await?;
        }
        match self.dialect.reset().filter(|_| self.reset_session) {
            Some(reset) => outside_transaction::<DB>(connection, reset).await,
            None => Ok(()),
        }
    }

    fn hooks(&self) -> HookSet {
        self.hooks.set()
    }

    fn connect_hooks(&self) -> HookStats {
        HookStats {
            before_connect: self.before_connect.counts(),
            after_connect: self.after_connect.counts(),
            ..HookStats::default()
        }
    }

    async fn before_acquire(
        &self,
        connection: &mut DB::Connection,
        metadata: ConnectionMetadata,
    ) -> Result<bool, sqlx::Error> {
        ask::<DB>(self.hooks.before_acquire.as_ref(), connection, metadata).await
    }

    async fn after_release(
        &self,
        connection: &mut DB::Connection,
        metadata: ConnectionMetadata,
    ) -> Result<bool, sqlx::Error> {
        ask::<DB>(self.hooks.after_release.as_ref(), connection, metadata).await
    }

    #[cfg(feature = "fault-injection")]
    fn faults(&self) -> Option<&crate::faults::Faults> {
        self.hooks.faults.as_ref()
    }

    async fn close(&self, connection: DB::Connection) -> Result<(), sqlx::Error> {
        connection.close().await
    }
}

/// Runs a hook of connecting within its own time limit, and counts it.
async fn in_time<T>(
    runs: &Runs,
    step: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late =
        |_| sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, StepTimeout { step, limit }));
    let run = runs.begin();
    let done = timeout(limit, work).await.map_err(late)??;
    run.went_well();
    Ok(done)
}

/// How many transactions and savepoints are open, as the driver knows.
fn depth<DB: Database>(connection: &DB::Connection) -> usize {
    DB::TransactionManager::get_transaction_depth(connection)
}

/// Whether the driver expects nothing more to read. Then finishing what is under way takes no time.
fn is_quiet<T: Connection>(connection: &mut T) -> bool {
    let finish = pin!(connection.flush());
    matches!(finish.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
}

/// Runs statements, and sees that the server says that no transaction is open after them.
///
/// Drivers run what they are given to begin a transaction with, then look at the state that the server has
/// reported. That none is open is an error to them, and what is wanted here.
async fn outside_transaction<DB: Database>(
    connection: &mut DB::Connection,
    statements: &'static str,
) -> Result<(), sqlx::Error> {
    match DB::TransactionManager::begin(connection, Some(statements.into_sql_str())).await {
        Err(sqlx::Error::BeginFailed) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            Err(sqlx::Error::Protocol(String::from("a transaction is open after a rollback")))
        }
    }
}
