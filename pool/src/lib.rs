//! A connection manager over [sqlx](https://docs.rs/sqlx): fair, safe to cancel, and able to say why.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pool::{Config, ConnectionManager};
//!
//! let config = Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(4);
//! let manager = ConnectionManager::get_or_init(config).await?; // the one of this process
//!
//! let mut connection = manager.acquire().await?; // derefs to SqliteConnection
//! let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&mut *connection).await?;
//! drop(connection); // goes back
//!
//! let two: i64 = sqlx::query_scalar("SELECT 2").fetch_one(&manager).await?; // as on sqlx's pool
//! assert_eq!((one, two), (1, 2));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! # The parts
//!
//! * [`ConnectionManager`] is the pool over sqlx; [`Config`] says how to connect and what [`Settings`] to
//!   use, from code, the environment or serde. [`ConnectionManager::get_or_init`] answers the one of this
//!   process, [`ConnectionManager::connect`] a further one.
//! * [`PooledConnection`] is a borrowed connection, [`Transaction`] one that owns its connection.
//! * [`Pool`] and [`Guard`] are the same over any [`Connector`], which is how the tests put a fake database
//!   under it.
//! * [`Stats`] is what a pool says about itself, and serializes.
//!
//! # What it promises
//!
//! **The maximum holds.** A place is reserved before a connection is opened in it, and is free only when the
//! connection is closed. No connection is opened only to be closed.
//!
//! **Who came first goes first**, within a [`Priority`]. A connection that comes back is handed to the first
//! who waits; a newcomer never overtakes.
//!
//! **Dropping a future, at any point, loses nothing**: no connection, no place, no turn. Connecting, checking,
//! cleaning and closing run in tasks of their own, so a caller that gives up cancels none of them, and what
//! they bring goes to the next who waits. What was handed to a caller that has just given up goes on to the
//! next, too.
//!
//! **A connection is handed on clean.** One that comes back inside a transaction, or after a call that was
//! cut short, is rolled back before anybody else has it, or closed if that fails. See "Limits" for how it is
//! known.
//!
//! **Everything has a deadline**: waiting, connecting, checking, cleaning, closing. [`Error`] says which ran
//! out and why: who holds the connections and for how long, or what connecting has met.
//!
//! **While the database is down**, one attempt at a time is made, with pauses that grow up to
//! [`Settings::retry_max`]. A caller learns the cause as soon as an attempt fails that began after it came,
//! unless a borrowed connection may still come back. When the database is back, the next attempt finds it.
//!
//! **Idle connections that died are not handed out** if they were idle for [`Settings::check_after`]; and
//! once one was found dead, all that are idle are checked, however lately they were used. A connection that
//! dies within that time, or in use, shows it to its borrower.
//!
//! # When the database fails
//!
//! The tests count who sees an error (`tests/common/failures.rs`, on a PostgreSQL and a MariaDB server of
//! their own):
//!
//! | what happens | who sees an error |
//! |---|---|
//! | every backend is killed, ten of twenty connections are running a query | these ten; none of 60 callers that come after [`Settings::check_after`] |
//! | the server stops and starts | all who call while it is down, at once and with the cause; nobody before or after |
//! | the server accepts, and never answers | all who call, at their deadlines; nobody once it answers again |
//!
//! # What a call costs
//!
//! | call | cost |
//! |---|---|
//! | [`acquire`](Pool::acquire) of an idle connection, and giving it back | a lock and a clock reading each; no allocation, timer or system call |
//! | the same on PostgreSQL and MySQL | one look more at whether the driver has anything left to read |
//! | acquire that waits | an allocation, a lock to join the queue, and none to be served; no timer of its own |
//! | a deadline that comes | O(*waiting*) under the lock, once for all that are due in the same millisecond |
//! | opening, closing | O(log *open*) in the registry and the expiry index |
//! | [`stats`](Pool::stats) | copies some kilobytes, under the lock for a part of it, and adds up 4 KB for each place of the maximum |
//! | maintenance | O(*what is due* log *open*), and a look at each place |
//!
//! # Events
//!
//! `tracing` events with the target `pool` tell each step of a connection's life. All have the fields `pool`
//! (the name), `open` and `max`; those about one connection have its `id`, `conn_<index>_<unix nanos>`; those
//! that need one have a `reason`. Acquiring, waiting, releasing, checking and cleaning are `DEBUG`; opening,
//! closing, expiring and resetting `INFO`; failures and time-outs `WARN`.
//!
//! # Limits
//!
//! * A `BEGIN` that was cut short is known of when it was begun by [`ConnectionManager::begin`], by
//!   [`PooledConnection::begin`], or through sqlx's trait on a `&mut PooledConnection`. Begun on the
//!   connection inside (`(&mut *connection).begin()`, or as SQL), it shows by the answer that the driver
//!   still expects; but if that answer arrives between the cancellation and the return, it does not.
//!   A raw `BEGIN` that ran to its end is unknown to sqlx, and here. [`Config::reset_session`] covers all of
//!   these.
//! * [`Config::reset_session`] resets sessions on PostgreSQL only. On SQLite and MySQL it closes each
//!   connection after its first borrower.
//! * `sqlx::Transaction` can own a connection of sqlx's own pool only. So [`ConnectionManager::begin`] answers
//!   a [`Transaction`] of this crate, and `Acquire::begin`, called through the trait on a manager, is an error.
//! * sqlx's ping of SQLite asks the connection's thread only, not the file. [`Config::check`] takes a better
//!   one.
//! * A pool lives in the tokio runtime in which it was started, which must be running for anybody's time-out
//!   to come. When that runtime ends, the pool is closed.
//! * Low priority waits for ever while others keep coming.
//!
//! # Features
//!
//! * `sqlite` (default): SQLite, compiled in.
//! * `postgres`, `mysql`: these databases.
//! * `any` (default): [`sqlx::Any`], whichever of the others is switched on, chosen by the URL at run time.
//!
//! TLS is chosen by sqlx's own features, such as `sqlx/tls-rustls`.
#![forbid(unsafe_code)]

mod connector;
mod core;
mod db;
mod error;
mod event;
mod guard;
mod histogram;
mod id;
mod maintenance;
mod once;
mod pool;
mod reason;
mod report;
mod seat;
mod settings;
mod shared;
mod stats;
mod sync;
mod waiting;

pub use self::connector::{Condition, Connector};
pub use self::db::{
    Config, ConnectOptions, ConnectionManager, PooledConnection, Sqlx, Transaction,
};
pub use self::error::{Cause, ConfigError, Error, StepTimeout, Why};
pub use self::guard::Guard;
pub use self::histogram::Times;
pub use self::id::{ConnectionId, ParseIdError};
pub use self::pool::{Pool, Priority, StartError};
pub use self::reason::Reason;
pub use self::settings::Settings;
pub use self::stats::{Holder, Row, Stats};
