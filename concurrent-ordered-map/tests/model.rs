//! Random sequences of calls, each compared with what std's collections answer.

mod common;

#[path = "model/against.rs"]
mod against;
#[path = "model/call.rs"]
mod call;
#[path = "model/map.rs"]
mod map;
#[path = "model/order.rs"]
mod order;
#[path = "model/plan.rs"]
mod plan;
#[path = "model/set.rs"]
mod set;
#[path = "model/snapshot.rs"]
mod snapshot;

use common::keys;
