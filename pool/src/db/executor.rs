//! A manager in the place of sqlx's pool: queries run on it, and functions of sqlx acquire from it.

use std::io;
use std::pin::Pin;

use futures_core::future::BoxFuture;
use futures_core::stream::{BoxStream, Stream};
use sqlx::{Acquire, Database, Either, Execute, Executor, SqlStr};
use sqlx_core::try_stream;

use super::{ConnectionManager, PooledConnection};
use crate::error::Error;

/// Runs each query on a connection of its own. Cancel-safe: a connection whose query was cut short is cleaned
/// before anybody else has it.
impl<'p, DB: Database> Executor<'p> for &'_ ConnectionManager<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let manager = self.clone();
        Box::pin(try_stream! {
            let mut connection = manager.acquire().await?;
            connection.call_begins();
            let outcome = {
                let mut steps = connection.fetch_many(query);
                loop {
                    match std::future::poll_fn(|context| Pin::new(&mut steps).poll_next(context)).await {
                        Some(Ok(step)) => r#yield!(step),
                        Some(Err(error)) => break Err(error),
                        None => break Ok(()),
                    }
                }
            };
            ended(&mut connection, &outcome);
            outcome
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let manager = self.clone();
        Box::pin(async move {
            let mut connection = manager.acquire().await?;
            connection.call_begins();
            let outcome = connection.fetch_optional(query).await;
            ended(&mut connection, &outcome);
            outcome
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, sqlx::Error>>
    where
        'p: 'e,
    {
        let manager = self.clone();
        Box::pin(async move {
            let mut connection = manager.acquire().await?;
            connection.call_begins();
            let outcome = connection.prepare_with(sql, parameters).await;
            ended(&mut connection, &outcome);
            outcome
        })
    }
}

/// Notes that a call has come to its end; unless it has shown that the connection is broken, which the
/// cleaning will find out then.
fn ended<DB: Database, T>(connection: &mut PooledConnection<DB>, outcome: &Result<T, sqlx::Error>) {
    let is_broken = matches!(
        outcome,
        Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed)
    );
    if !is_broken {
        connection.call_ended();
    }
}

/// For functions of sqlx that acquire a connection, such as those that run migrations.
///
/// `begin`, called through this trait on a manager, is an error. It would have to answer an
/// `sqlx::Transaction<'c>`, which is made of a `&'c mut` of the connection or of a `PoolConnection`. The latter
/// has private fields, and only sqlx's own pool makes it, around a connection that it has opened itself. The
/// former needs an owner that lives for `'c`, and here there is only `&'c ConnectionManager`: the borrowed
/// connection would have to be leaked, and since the transaction tells nobody when it ends, it would never
/// come back. [`ConnectionManager::begin`] is what a method call means, and works; so does this trait's on a
/// borrowed connection.
impl<'c, DB: Database> Acquire<'c> for &'c ConnectionManager<DB> {
    type Database = DB;
    type Connection = PooledConnection<DB>;

    fn acquire(self) -> BoxFuture<'c, Result<PooledConnection<DB>, sqlx::Error>> {
        Box::pin(async move { Ok(ConnectionManager::acquire(self).await?) })
    }

    fn begin(self) -> BoxFuture<'c, Result<sqlx::Transaction<'c, DB>, sqlx::Error>> {
        let why =
            "sqlx's transaction cannot own a connection of this pool: acquire one and begin on it";
        Box::pin(async move { Err(sqlx::Error::Configuration(why.into())) })
    }
}

impl<'c, DB: Database> Acquire<'c> for &'c mut PooledConnection<DB> {
    type Database = DB;
    type Connection = &'c mut DB::Connection;

    fn acquire(self) -> BoxFuture<'c, Result<&'c mut DB::Connection, sqlx::Error>> {
        Box::pin(async move { Ok(&mut **self) })
    }

    fn begin(self) -> BoxFuture<'c, Result<sqlx::Transaction<'c, DB>, sqlx::Error>> {
        Box::pin(PooledConnection::begin(self))
    }
}

/// So that `?` works where sqlx's errors are expected. A closed pool is `PoolClosed`; the rest is `Io`, with
/// the kind that fits, and this error inside it.
impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Closed => return Self::PoolClosed,
            Error::Timeout { .. } | Error::StillBorrowed { .. } => io::ErrorKind::TimedOut,
            Error::Connect { .. } => io::ErrorKind::NotConnected,
            Error::NoneIdle { .. } => io::ErrorKind::WouldBlock,
            Error::Unclean { .. } | Error::CloseFailed { .. } => io::ErrorKind::ConnectionAborted,
        };
        Self::Io(io::Error::new(kind, error))
    }
}
