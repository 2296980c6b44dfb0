//! The steps of a connection's life that take time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a connection's life that takes time, and may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Opening it, with what is hung in before and after that.
    Connect,
    /// Checking it, whatever for.
    Check,
    /// The hook before a loan.
    BeforeAcquire,
    /// Its coming back, before all else that is done then.
    Release,
    /// Cleaning it.
    Clean,
    /// The hook after a loan.
    AfterRelease,
    /// Closing it.
    Close,
    /// A query that is run on the manager, and the beginning and the commit of a transaction of this crate.
    Query,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Connect,
        Self::Check,
        Self::BeforeAcquire,
        Self::Release,
        Self::Clean,
        Self::AfterRelease,
        Self::Close,
        Self::Query,
    ];

    /// The name that errors and events use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Check => "checking",
            Self::BeforeAcquire => "before_acquire",
            Self::Release => "releasing",
            Self::Clean => "cleaning",
            Self::AfterRelease => "after_release",
            Self::Close => "closing",
            Self::Query => "querying",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
