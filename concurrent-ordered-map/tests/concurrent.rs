//! What the map promises while several threads use it.
//!
//! Runs under ThreadSanitizer and AddressSanitizer, too. `COM_STRESS_SCALE` scales the loops, in per cent.

mod common;

#[path = "concurrent/batch.rs"]
mod batch;
#[path = "concurrent/bounds.rs"]
mod bounds;
#[path = "concurrent/drops.rs"]
mod drops;
#[path = "concurrent/iterate.rs"]
mod iterate;
#[path = "concurrent/once.rs"]
mod once;
#[path = "concurrent/present.rs"]
mod present;
#[path = "concurrent/queue.rs"]
mod queue;
#[path = "concurrent/sessions.rs"]
mod sessions;
#[path = "concurrent/snapshot.rs"]
mod snapshot;
#[path = "concurrent/update.rs"]
mod update;
