//! The pools, one a file.

mod bb8;
mod deadpool;
mod ours;
mod postgres;
mod qp;
mod sqlx;

pub use self::bb8::Bb8;
pub use self::deadpool::{Deadpool, Timed, Untimed};
pub use self::ours::Ours;
pub use self::postgres::Server as Postgres;
pub use self::qp::Qp;
pub use self::sqlx::SqlxPool;
