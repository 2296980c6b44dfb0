//! A linearizability checker for tests, with nothing but `std` under it.
//!
//! Threads run random calls on a small map and log when each call began and ended
//! ([`history`]); a search then looks for an order of the calls that a sequential
//! `BTreeMap` could have answered the same way ([`linearize`], [`map_spec`]). If there is
//! none, the map is wrong, and [`minimise`] cuts the history down to what shows it.
//!
//! A test implements [`map_spec::Subject`] for its map and calls [`run::run_histories`].
//!
//! Passing is evidence, not proof. The log's shared clock is a sequentially consistent
//! read-modify-write around every call, so a map that only fails when two calls have no
//! synchronization between them at all can hide here; loom has to look for that.

// Each test binary compiles this module for itself and uses a part of it.
#![allow(dead_code)]

pub(crate) mod broken;
pub(crate) mod crew;
pub(crate) mod gate;
pub(crate) mod history;
pub(crate) mod linearize;
pub(crate) mod map_spec;
pub(crate) mod minimise;
pub(crate) mod pin;
pub(crate) mod plan;
pub(crate) mod rng;
pub(crate) mod run;
pub(crate) mod timeline;
pub(crate) mod worker;
