//! What the fuzz targets share: bytes as calls, and the tests' own models of map and pool, which say whether
//! the answers are right.

#[path = "../../concurrent-ordered-map/tests/model/against.rs"]
mod against;
#[path = "../../concurrent-ordered-map/tests/model/call.rs"]
#[allow(dead_code, reason = "proptest's side uses the rest")]
mod call;
pub mod config;
#[path = "../../pool/tests/common/mod.rs"]
mod fake;
pub mod history;
#[path = "../../concurrent-ordered-map/tests/common/keys.rs"]
#[allow(dead_code, reason = "as above")]
mod keys;
pub mod map;
pub mod schedule;
