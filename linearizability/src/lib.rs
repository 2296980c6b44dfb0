//! A linearizability checker for tests, in nothing but `std`.
//!
//! Threads run random calls on a small map and log when each call began and ended
//! ([`history`]); a search then looks for an order of the calls that a sequential
//! `BTreeMap` could have answered the same way ([`linearize`], [`map_spec`]). If there is
//! none, the map is wrong, and [`minimise`] cuts the history down to what shows it.
//!
//! A test implements [`map_spec::Subject`] for its map and calls [`run::run_histories`]. The binary `stress`
//! does so for minutes or hours, with the mixes of calls in [`workload`]; `tests/schedules.rs` makes the same
//! calls under shuttle's scheduler instead of the system's.
//!
//! Passing is evidence, not proof. The log's shared clock is a sequentially consistent
//! read-modify-write around every call, so a map that only fails when two calls have no
//! synchronization between them at all can hide here; loom has to look for that.

pub mod broken;
pub mod crew;
pub mod gate;
pub mod history;
pub mod linearize;
pub mod map_spec;
pub mod minimise;
pub mod ours;
pub mod pin;
pub mod plan;
pub mod rng;
pub mod run;
pub mod timeline;
pub mod worker;
pub mod workload;
