//! Why connections are closed.

use serde::{Deserialize, Serialize};

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It reached its maximum lifetime, or was about to and was replaced.
    Expired,
    /// It was idle for too long and there were more than the minimum.
    Idle,
    /// The pool was reset.
    Reset,
    /// All connections were told to expire.
    ExpiredNow,
    /// A health check failed.
    Unhealthy,
    /// A hook refused it, failed, or took too long.
    Refused,
    /// It came back in a state from which it could not be cleaned, or broken.
    Unclean,
    /// It serves one borrower only, since its session cannot be reset.
    Spent,
    /// There were more than the maximum, which was lowered.
    Surplus,
    /// Its borrower closed it.
    Requested,
    /// Its borrower took it out of the pool.
    Detached,
    /// The pool was closed.
    Shutdown,
}

impl Reason {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 12] = [
        Self::Expired,
        Self::Idle,
        Self::Reset,
        Self::ExpiredNow,
        Self::Unhealthy,
        Self::Refused,
        Self::Unclean,
        Self::Spent,
        Self::Surplus,
        Self::Requested,
        Self::Detached,
        Self::Shutdown,
    ];

    /// The name that events and statistics use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Idle => "idle",
            Self::Reset => "reset",
            Self::ExpiredNow => "expired_now",
            Self::Unhealthy => "unhealthy",
            Self::Refused => "refused",
            Self::Unclean => "unclean",
            Self::Spent => "spent",
            Self::Surplus => "surplus",
            Self::Requested => "requested",
            Self::Detached => "detached",
            Self::Shutdown => "shutdown",
        }
    }
}
