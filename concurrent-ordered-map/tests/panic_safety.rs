//! What panics leave behind: in `Ord`, in closures and in the `Drop` of keys and values.
//!
//! Nothing is lost. After any panic the map holds what it held before the call, or what it is to hold after
//! it; each key and value is dropped once; and the only thing that a panicking call may keep to itself is
//! its answer. The payload of a panic in a `Drop` that the map contains is leaked, by design.

mod common;

#[path = "panic_safety/closures.rs"]
mod closures;
#[path = "panic_safety/crowd.rs"]
mod crowd;
#[path = "panic_safety/drops.rs"]
mod drops;
#[path = "panic_safety/fuse.rs"]
mod fuse;
#[path = "panic_safety/order.rs"]
mod order;
