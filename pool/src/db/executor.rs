//! A manager in the place of sqlx's pool: queries run on it, and functions of sqlx acquire from it.

use std::io;
use std::panic::Location;
use std::pin::Pin;

use futures_core::future::BoxFuture;
use futures_core::stream::{BoxStream, Stream};
use sqlx::{Acquire, Database, Either, Execute, Executor, SqlStr};
use sqlx_core::try_stream;

use super::{ClusterExecutor, ConnectionManager, PooledConnection, Sqlx};
use crate::ask::Ask;
use crate::error::Error;
use crate::tenant::Tenant;

/// Whatever lends a connection to each query that is run on it.
trait Lends<DB: Database>: Clone + Send + Sync + 'static {
    fn lend(&self) -> impl Future<Output = Result<PooledConnection<DB>, Error>> + Send;
}

/// Makes an executor of what lends by `acquire`. sqlx's trait cannot be implemented for all of these at once.
macro_rules! executor {
    ($(#[$doc:meta])* $Lender:ty) => {
        impl<DB: Database> Lends<DB> for $Lender {
            fn lend(&self) -> impl Future<Output = Result<PooledConnection<DB>, Error>> + Send {
                self.acquire()
            }
        }

        $(#[$doc])*
        impl<'p, DB: Database> Executor<'p> for &'_ $Lender
        where
            for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        {
            type Database = DB;

            fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Many<'e, DB>
            where
                'p: 'e,
                E: 'q + Execute<'q, DB>,
            {
                fetch_many(self.clone(), query)
            }

            fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> One<'e, Option<DB::Row>>
            where
                'p: 'e,
                E: 'q + Execute<'q, DB>,
            {
                fetch_optional(self.clone(), query)
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [DB::TypeInfo],
            ) -> One<'e, DB::Statement>
            where
                'p: 'e,
            {
                prepare_with(self.clone(), sql, parameters)
            }
        }
    };
}

executor! {
    /// Runs each query on a connection of its own. Cancel-safe: a connection whose query was cut short is
    /// cleaned before anybody else has it.
    ///
    /// The holder that is shown meanwhile is this file. `#[track_caller]` here would show one of sqlx's instead:
    /// between whoever writes `query.fetch_all(&manager)` and these methods stand sqlx's own functions, most of
    /// them async, and none passes its caller on. Whoever wants to see its own place acquires first.
    ConnectionManager<DB>
}

executor! {
    /// As on a manager, in the name of the tenant.
    Tenant<Sqlx<DB>>
}

executor! {
    /// As on a manager, on the endpoint to which the cluster routes it.
    ClusterExecutor<DB>
}

type Many<'e, DB> = BoxStream<
    'e,
    Result<Either<<DB as Database>::QueryResult, <DB as Database>::Row>, sqlx::Error>,
>;
type One<'e, T> = BoxFuture<'e, Result<T, sqlx::Error>>;

fn fetch_many<'e, 'q: 'e, DB: Database, E>(lender: impl Lends<DB>, query: E) -> Many<'e, DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    E: 'q + Execute<'q, DB>,
{
    Box::pin(try_stream! {
        let mut connection = lender.lend().await?;
        begins(&mut connection).await?;
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

fn fetch_optional<'e, 'q: 'e, DB: Database, E>(
    lender: impl Lends<DB>,
    query: E,
) -> One<'e, Option<DB::Row>>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    E: 'q + Execute<'q, DB>,
{
    Box::pin(async move {
        let mut connection = lender.lend().await?;
        begins(&mut connection).await?;
        let outcome = connection.fetch_optional(query).await;
        ended(&mut connection, &outcome);
        outcome
    })
}

fn prepare_with<DB: Database>(
    lender: impl Lends<DB>,
    sql: SqlStr,
    parameters: &[DB::TypeInfo],
) -> One<'_, DB::Statement>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    Box::pin(async move {
        let mut connection = lender.lend().await?;
        begins(&mut connection).await?;
        let outcome = connection.prepare_with(sql, parameters).await;
        ended(&mut connection, &outcome);
        outcome
    })
}

/// Notes that a call is under way. Its fault, if it is to meet one, leaves it so.
#[cfg_attr(not(feature = "fault-injection"), allow(clippy::unused_async, reason = "faults wait"))]
pub(super) async fn begins<DB: Database>(
    connection: &mut PooledConnection<DB>,
) -> Result<(), sqlx::Error> {
    connection.call_begins();
    #[cfg(feature = "fault-injection")]
    connection.strike().await.map_err(|injected| sqlx::Error::Io(io::Error::other(injected)))?;
    Ok(())
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

    #[track_caller]
    fn acquire(self) -> BoxFuture<'c, Result<PooledConnection<DB>, sqlx::Error>> {
        let acquiring = self.acquire_by(Location::caller(), Ask::new());
        Box::pin(async move { Ok(acquiring.await?) })
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
            Error::Connect { .. } | Error::CircuitOpen { .. } | Error::ReadOnly { .. } => {
                io::ErrorKind::NotConnected
            }
            Error::NoneIdle { .. } | Error::RateLimited { .. } => io::ErrorKind::WouldBlock,
            Error::Overloaded { .. } => io::ErrorKind::ResourceBusy,
            Error::UnknownTenant { .. } => io::ErrorKind::PermissionDenied,
            Error::Invalid(_) => io::ErrorKind::InvalidInput,
            Error::Unclean { .. } | Error::CloseFailed { .. } => io::ErrorKind::ConnectionAborted,
        };
        Self::Io(io::Error::new(kind, error))
    }
}
