//! What is counted: under the core's lock, so the numbers agree with each other.

use crate::health::HealthStats;
use crate::histogram::Histogram;
use crate::hooks::HookStats;
use crate::reason::Reason;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// How long it took to open a connection, of those that were opened.
    pub(crate) create: Histogram,
    pub(crate) connect_errors: u64,
    pub(crate) check_errors: u64,
    pub(crate) timeouts: u64,
    pub(crate) given_up: u64,
    pub(crate) health: HealthStats,
    pub(crate) hooks: HookStats,
    closed: [u64; Reason::ALL.len()],
}

impl Tally {
    pub(crate) fn count_closed(&mut self, reason: Reason) {
        if let Some(at) = Reason::ALL.iter().position(|other| *other == reason) {
            self.closed[at] += 1;
        }
    }

    pub(crate) fn closed(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        Reason::ALL.into_iter().zip(self.closed)
    }
}
