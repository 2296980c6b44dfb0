//! How long those waited who got a slot's resource, and how long they held it.

use crate::histogram::Recorder;

/// Of one slot. Only the owner of its resource records (C5), so it needs neither the lock nor an atomic
/// addition. Under the lock, these few lines kept a whole crowd waiting.
#[derive(Default)]
pub(super) struct Timings {
    /// How long those waited who were served.
    pub(super) wait: Recorder,
    /// How long resources were held.
    pub(super) used: Recorder,
}
