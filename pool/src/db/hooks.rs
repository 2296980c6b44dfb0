//! What users may hang in between the pool and their database.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use sqlx::{Database, Executor, SqlStr};
use sqlx_core::sql_str::SqlSafeStr;

use super::{Config, ConnectOptions};
use crate::hooks::{ConnectionMetadata, HookSet};

type Credentials<DB> =
    Arc<dyn Fn() -> BoxFuture<'static, Result<ConnectOptions<DB>, sqlx::Error>> + Send + Sync>;
type Step<DB> = Arc<
    dyn for<'c> Fn(&'c mut <DB as Database>::Connection) -> BoxFuture<'c, Result<(), sqlx::Error>>
        + Send
        + Sync,
>;
type Question<DB> = Arc<
    dyn for<'c> Fn(
            &'c mut <DB as Database>::Connection,
            ConnectionMetadata,
        ) -> BoxFuture<'c, Result<bool, sqlx::Error>>
        + Send
        + Sync,
>;

/// What was hung in.
pub(super) struct Hooks<DB: Database> {
    pub(super) before_connect: Option<Credentials<DB>>,
    /// In the order in which they run.
    pub(super) after_connect: Vec<Step<DB>>,
    pub(super) check: Option<Step<DB>>,
    pub(super) before_acquire: Option<Question<DB>>,
    pub(super) after_release: Option<Question<DB>>,
    #[cfg(feature = "fault-injection")]
    pub(super) faults: Option<crate::faults::Faults>,
}

impl<DB: Database> Hooks<DB> {
    pub(super) fn none() -> Self {
        Self {
            before_connect: None,
            after_connect: Vec::new(),
            check: None,
            before_acquire: None,
            after_release: None,
            #[cfg(feature = "fault-injection")]
            faults: None,
        }
    }

    pub(super) fn set(&self) -> HookSet {
        HookSet {
            before_acquire: self.before_acquire.is_some(),
            after_release: self.after_release.is_some(),
        }
    }
}

impl<DB: Database> Clone for Hooks<DB> {
    fn clone(&self) -> Self {
        Self {
            before_connect: self.before_connect.clone(),
            after_connect: self.after_connect.clone(),
            check: self.check.clone(),
            before_acquire: self.before_acquire.clone(),
            after_release: self.after_release.clone(),
            #[cfg(feature = "fault-injection")]
            faults: self.faults.clone(),
        }
    }
}

/// Asks a hook, if there is one.
pub(super) async fn ask<DB: Database>(
    question: Option<&Question<DB>>,
    connection: &mut DB::Connection,
    metadata: ConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    match question {
        Some(question) => question(connection, metadata).await,
        None => Ok(true),
    }
}

/// # Hooks
///
/// In this order: `before_connect`, then the connection is opened, then the statements of `on_connect_sql` and
/// the `after_connect`s as they were set; before each loan the check, if one is due, then `before_acquire`;
/// after each loan the cleaning, then `after_release`, then the check on release, if that is set.
/// [`HookSet`] says how often the last two hooks run and what their answers mean. Each has its own time limit in
/// [`HookTimeouts`](crate::HookTimeouts). All run in tasks of the pool: a caller that gives up cancels none,
/// and none holds a caller longer than its own deadline.
impl<DB: Database> Config<DB> {
    /// Asks before each attempt to connect how to: for passwords and hosts that change. An error counts as one
    /// of connecting.
    #[must_use]
    pub fn before_connect(
        mut self,
        options: impl Fn() -> BoxFuture<'static, Result<ConnectOptions<DB>, sqlx::Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.before_connect = Some(Arc::new(options));
        self
    }

    /// Prepares each connection after it was opened, once. Said more than once, each is done in turn. An error
    /// counts as one of connecting.
    #[must_use]
    pub fn after_connect(
        mut self,
        prepare: impl for<'c> Fn(&'c mut DB::Connection) -> BoxFuture<'c, Result<(), sqlx::Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.after_connect.push(Arc::new(prepare));
        self
    }

    /// Runs these statements on each connection after it was opened, in turn, beside and in order with what
    /// [`after_connect`](Self::after_connect) does. An error counts as one of connecting.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")
    ///     .unwrap()
    ///     .on_connect_sql(["PRAGMA cache_size = -8000", "PRAGMA temp_store = memory"]);
    /// # }
    /// ```
    #[must_use]
    pub fn on_connect_sql<S: SqlSafeStr>(self, statements: impl IntoIterator<Item = S>) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let statements = statements.into_iter().map(SqlSafeStr::into_sql_str);
        statements.fold(self, |config, statement| config.after_connect(run(statement)))
    }

    /// Checks connections in this way, instead of by sqlx's ping: before loans, and wherever
    /// [`Health`](crate::Health) says so.
    #[must_use]
    pub fn check(
        mut self,
        check: impl for<'c> Fn(&'c mut DB::Connection) -> BoxFuture<'c, Result<(), sqlx::Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.check = Some(Arc::new(check));
        self
    }

    /// Checks connections by a statement, instead of by sqlx's ping. It has to run without an error; what it
    /// answers does not matter.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")
    ///     .unwrap()
    ///     .check_with_sql("SELECT 1 FROM sqlite_schema");
    /// # }
    /// ```
    #[must_use]
    pub fn check_with_sql(self, statement: impl SqlSafeStr) -> Self
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        self.check(run(statement.into_sql_str()))
    }

    /// Asks before each loan of a connection that was idle or in use before whether it may be lent: `Ok(true)`
    /// lends it, `Ok(false)` or an error closes it, and another one serves. See [`HookSet`].
    ///
    /// It is the signature of sqlx's `PoolOptions::before_acquire`.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")
    ///     .unwrap()
    ///     .before_acquire(|_connection, metadata| Box::pin(async move { Ok(metadata.uses < 1_000) }));
    /// # }
    /// ```
    #[must_use]
    pub fn before_acquire(
        mut self,
        question: impl for<'c> Fn(
            &'c mut DB::Connection,
            ConnectionMetadata,
        ) -> BoxFuture<'c, Result<bool, sqlx::Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.before_acquire = Some(Arc::new(question));
        self
    }

    /// Asks after each loan whether the connection may be kept: `Ok(true)` keeps it, `Ok(false)` or an error
    /// closes it. See [`HookSet`].
    #[must_use]
    pub fn after_release(
        mut self,
        question: impl for<'c> Fn(
            &'c mut DB::Connection,
            ConnectionMetadata,
        ) -> BoxFuture<'c, Result<bool, sqlx::Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.hooks.after_release = Some(Arc::new(question));
        self
    }

    /// Injects these faults, for tests and drills: into the pool's steps, into queries that run on the manager,
    /// and into the beginning and the commit of transactions that the manager has begun. A query that is to
    /// fail is not sent, and its connection counts as broken: it is cleaned before anybody else has it.
    ///
    /// What runs on a borrowed connection goes to sqlx directly and meets no fault;
    /// [`Faults::strike`](crate::faults::Faults::strike) before it does the same.
    #[cfg(feature = "fault-injection")]
    #[must_use]
    pub fn faults(mut self, faults: crate::faults::Faults) -> Self {
        self.hooks.faults = Some(faults);
        self
    }
}

/// A step that runs a statement.
fn run<C>(
    statement: SqlStr,
) -> impl for<'c> Fn(&'c mut C) -> BoxFuture<'c, Result<(), sqlx::Error>> + Send + Sync + 'static
where
    C: Send + 'static,
    for<'c> &'c mut C: Executor<'c>,
{
    move |connection| {
        let statement = statement.clone();
        Box::pin(async move { connection.execute(statement).await.map(drop) })
    }
}
