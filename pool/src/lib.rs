//! A connection manager.
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
