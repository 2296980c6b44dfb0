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
//! * [`Ask`] says how a connection is asked for, where [`acquire`](Pool::acquire)'s defaults do not do: by
//!   [`Priority`], for a tenant, under a tag, with a time limit of its own.
//! * [`Stats`] is what a pool says about itself, and serializes. Events, [spans](#spans) and
//!   [metrics](#metrics) tell the rest; the example `service` shows it all on a page.
//!
//! The example `tour` shows each part in some lines: `pool/examples/tour/` has a file for each.
//!
//! # In five minutes
//!
//! | to | write |
//! |---|---|
//! | set it up from the environment | `Config::from_env()?`: `DATABASE_URL`, `POOL_MIN`, `POOL_MAX`, ...; see [`Config::from_env`] |
//! | have one for the whole process | [`ConnectionManager::get_or_init`]`(config).await?`, and [`ConnectionManager::get`] anywhere else |
//! | have another one | [`ConnectionManager::connect`]`(config.name("reports")).await?` |
//! | run a query | `.fetch_all(&manager)`, as on sqlx's pool |
//! | keep a connection for a while | `let mut connection = manager.acquire().await?`, then `&mut *connection` |
//! | run it on a replica, or on the primary | `.fetch_all(&cluster.reader())`, `.execute(&cluster.writer())`: see [`ClusterConfig`] |
//! | have a transaction | `let mut transaction = manager.begin().await?`, then `transaction.commit().await?` |
//! | wait no longer than 200 ms, or go first | `manager.acquire_with(Ask::new().within(limit).priority(Priority::High))` |
//! | not wait at all | [`try_acquire`](Pool::try_acquire) |
//! | learn why there is none | print the [`Error`]: it says who holds the connections, or what connecting met |
//! | see what is going on | [`stats`](Pool::stats), or listen to `tracing`'s target `pool` |
//! | replace all connections, disturbing nobody | [`reset`](Pool::reset) |
//! | end in good order | [`close`](Pool::close)`(limit).await?` |
//!
//! What a business puts on its pool, each off until it is asked for (but ageing), with an example of that name:
//!
//! | part | what it gives | example |
//! |---|---|---|
//! | [`Priority`], [`Ageing`] | who goes first, and for how long at most | `ageing` |
//! | [`Tenant`], [`TenantLimits`], [`Tenants`] | a maximum, a share, a weight, a queue and statistics for each tenant | `tenants` |
//! | [`Adaptive`] | moves the maximum between bounds by what is measured | `adaptive` |
//! | [`Ask::tag`] | use, waits and holds by [`Tag`], and which tags hold the connections | `tags` |
//! | [`Leaks`] | who has held a connection for too long, reported once, and found again | `leaks` |
//! | `RateLimit` (feature `rate-limit`) | how often connections may be asked for, by pool, tenant and tag | `rate_limit` |
//! | [`Breaker`] | nobody waits for a database that fails; probes find it back | `breaker` |
//! | [`Degradation`] | waiting less, and shedding by [`Priority`], when many wait | `degradation` |
//! | [`Fallback`] | a replica, or a closure, for those who get no connection | `degradation` |
//! | [`Config`]'s hooks, [`HookSet`] | fresh credentials before each connect, statements and closures after it, questions before and after each loan | `hooks` |
//! | [`Config::check`], [`Config::check_with_sql`], [`Health`] | checks of one's own, before a loan, after it and in the background | `health_checks` |
//! | [`Warm`], [`Pool::warm_up`], [`Pool::warm_on`] | connections ahead of load: at the start, by a call, by a schedule | `warm_up` |
//! | [`Cluster`], [`ClusterConfig`], [`ClusterExecutor`] | a primary and its replicas: reads spread, fail-over and return, read-only without the primary | `replicas` |
//! | `faults` (feature `fault-injection`) | faults on purpose, by a seed or a script, for tests and drills | `faults` |
//!
//! What stands before an acquire is asked in this order: the rate limits of the tag, the tenant and the pool,
//! what is idle, the rules of degradation, the circuit, the queue, and the fallback.
//!
//! # What it promises
//!
//! **The maximum holds.** A place is reserved before a connection is opened in it, and is free only when the
//! connection is closed. No connection is opened only to be closed.
//!
//! **Who came first goes first**, within a [`Priority`]. A connection that comes back is handed to the first
//! who waits; a newcomer never overtakes. A higher priority goes first, but no priority is starved: by how much
//! later others may come and still go first is bounded by [`Ageing`]. A tenant's callers have a queue of their
//! own: one tenant's flood delays another that has less than its share by the return of one connection, however
//! many wait (`tests/tenants.rs`; the plot of the example `tenants` is `docs/tenants.svg`).
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
//! **Everything has a deadline**: waiting, connecting, checking, cleaning, closing, each hook. [`Error`] says which ran
//! out and why: who holds the connections and for how long, or what connecting has met.
//!
//! **While the database is down**, one attempt at a time is made, with pauses that grow up to
//! [`Settings::retry_max`]. A caller learns the cause as soon as an attempt fails that began after it came,
//! unless a borrowed connection may still come back. When the database is back, the next attempt finds it.
//! With a [`Breaker`], nobody waits then even for borrowed connections, and nothing is tried but its probes.
//!
//! **Idle connections that died are not handed out** if they were idle for [`Settings::check_after`]; and
//! once one was found dead, all that are idle are checked, however lately they were used. A connection that
//! dies within that time, or in use, shows it to its borrower. A caller pays for one failed check at most,
//! however many are dead: [`Health`] says how.
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
//! | a [`Tag`] | a look-up, three counters and a clock reading more; an account of 4 KB for the first of each |
//! | a rate limit that is not reached | a clock reading and a compare-exchange |
//! | a rate limit that holds a caller back | an allocation and a timer |
//! | leaks, the circuit, degradation | nothing, or a clock reading, as long as nobody waits; a timer each for the pool |
//! | a deadline that comes | O(*waiting*) under the lock, once for all that are due in the same millisecond |
//! | opening, closing | O(log *open*) in the registry and the expiry index |
//! | [`stats`](Pool::stats) | copies some kilobytes, under the lock for a part of it, and adds up 4 KB for each place of the maximum |
//! | a hook before loans | a task for each loan, which the borrower waits for |
//! | a hook or a check after loans | a task for each loan, which nobody waits for |
//! | a read of a [`Cluster`] | that of the acquire, and a short lock or two for each endpoint |
//! | acquire in the name of a tenant | a look-up in O(log *tenants*), and a lock of the tenant's for its statistics |
//! | giving back while several tenants wait | O(*tenants that wait and are below their maxima*) under the lock |
//! | maintenance | O(*what is due* log *open*), and a look at each place and each tenant |
//!
//! # Events
//!
//! `tracing` events with the target `pool` tell each step of a connection's life. All have the fields `pool`
//! (the name), `open` and `max`; those about one connection have its `id`, `conn_<index>_<unix nanos>`; those
//! that need one have a `reason`. Acquiring, waiting, releasing, checking and cleaning are `DEBUG`; opening,
//! closing, expiring and resetting `INFO`; failures and time-outs `WARN`.
//!
//! # Spans
//!
//! With [`Observe::spans`] there are two, with the target `pool` and the level `INFO`, both children of the
//! caller's:
//!
//! | span | lasts | fields |
//! |---|---|---|
//! | `db.client.connection.acquire` | from the first poll of an acquire until it is served, refused or dropped | `pool`, `by`, `priority`, `tenant` if there is one, and in the end `id` or `error` |
//! | `db.client.connection.use` | as long as a connection is held | `pool`, `id`, `by` |
//!
//! [`Guard::span`] is the second, for queries to be inside it. Each acquire allocates for them.
//!
//! # Metrics
//!
//! With the feature `metrics`, the facade of the crate [metrics](https://docs.rs/metrics) is told what
//! OpenTelemetry's semantic conventions name. Install a recorder before the pool is started: its instruments are
//! made then, once.
//!
//! | metric, after `db.client.connection.` | kind | unit | what |
//! |---|---|---|---|
//! | `count` | gauge | | connections, by `db.client.connection.state`: `idle` or `used` (lent, or being checked) |
//! | `max`, `idle.max`, `idle.min` | gauge | | the limits: of all, of the idle, and how many are kept |
//! | `pending_requests` | gauge | | callers that wait |
//! | `timeouts` | counter | | callers that got no connection in time |
//! | `create_time`, `wait_time`, `use_time` | histogram | s | opening; waiting, of those who were served; holding, cleaning included |
//!
//! All have the attribute `db.client.connection.pool.name`: [`Settings::name`]. Histograms and the counter are
//! recorded as things happen, gauges every [`Observe::gauges_every`] and by
//! `Pool::record_gauges`, for exporters that are asked. A pool that is gone leaves its gauges at zero, so
//! two that live at the same time need names of their own.
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
//! * With [`Settings::ageing`] at `None`, low priority waits for ever while others keep coming.
//! * [`Cluster`] does not replicate, and makes no replica a primary. It does not tell reads from writes: the
//!   caller does. A query that fails is not sent again, to any endpoint.
//!
//! # Features
//!
//! * `sqlite` (default): SQLite, compiled in.
//! * `postgres`, `mysql`: these databases.
//! * `any` (default): [`sqlx::Any`], whichever of the others is switched on, chosen by the URL at run time.
//! * `metrics`: see [Metrics](#metrics).
//! * `rate-limit`: rate limits, by the crate [governor](https://docs.rs/governor).
//! * `fault-injection`: steps that fail or take longer on purpose. For tests and drills only.
//!
//! TLS is chosen by sqlx's own features, such as `sqlx/tls-rustls`.
#![forbid(unsafe_code)]

mod acquiring;
mod adaptive;
mod ask;
mod cluster;
mod connector;
mod controller;
mod core;
mod db;
mod error;
mod event;
#[cfg(feature = "fault-injection")]
pub mod faults;
mod fitness;
mod gate;
mod guard;
mod health;
mod histogram;
mod hooks;
mod id;
mod maintenance;
#[cfg(feature = "metrics")]
mod meters;
#[cfg(not(feature = "metrics"))]
#[path = "meters_off.rs"]
mod meters;
mod observe;
mod once;
mod pool;
mod reason;
mod report;
mod resizing;
mod seat;
mod settings;
mod shared;
mod span;
mod stats;
mod step;
mod sync;
mod tenant;
mod tenants;
mod waiting;
mod warm;

pub use self::adaptive::{Adaptive, AdaptiveStats, Decision, Signal};
pub use self::ask::{Ageing, Ask, Priority};
pub use self::cluster::{
    Cluster, ClusterSettings, ClusterStats, EndpointStats, Reads, Role, Routing,
};
pub use self::connector::{Condition, Connector};
pub use self::db::{
    ClusterConfig, ClusterExecutor, Config, ConnectOptions, ConnectionManager, DatabaseCluster,
    PooledConnection, Sqlx, Transaction,
};
pub use self::error::{Cause, ConfigError, Error, StepPanic, StepTimeout, Why};
pub use self::gate::circuit::{Breaker, BreakerStats, CircuitState};
pub use self::gate::leaks::{LeakStats, Leaks};
#[cfg(feature = "rate-limit")]
pub use self::gate::limits::{LimitStats, Limited, RateLimit, WhenOver};
pub use self::gate::relief::{
    Degradation, DegradationStats, Fallback, Fallen, Rule, Shed, WaitLess,
};
pub use self::gate::tags::{Tag, TagStats};
pub use self::guard::Guard;
pub use self::health::{Health, HealthStats};
pub use self::histogram::Times;
pub use self::hooks::{ConnectionMetadata, HookCounts, HookSet, HookStats, HookTimeouts};
pub use self::id::{ConnectionId, ParseIdError};
pub use self::observe::Observe;
pub use self::pool::{Pool, StartError};
pub use self::reason::Reason;
pub use self::settings::Settings;
pub use self::stats::{Holder, Row, Stats, TenantStats};
pub use self::step::Step;
pub use self::tenant::Tenant;
pub use self::tenants::{TenantLimits, Tenants};
pub use self::warm::{Warm, WarmStats, WarmUp};
