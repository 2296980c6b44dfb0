//! The connection pool beside its peers, on the same work, in the same run.
//!
//! A [`Subject`] is one of the pools, over a [`Backend`]: a [`fake`] server whose connections do nothing, or
//! PostgreSQL. A question is a function in [`questions`] that any subject can answer; [`table`] asks all
//! subjects in interleaved rounds and prints the medians. [`parts`] asks ours what each of its parts costs.

pub mod fake;
pub mod parts;
pub mod questions;
pub mod subject;
pub mod subjects;
pub mod table;

pub use self::subject::{Backend, Failed, Shape, Subject};
