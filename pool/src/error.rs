//! What can go wrong, and why it did.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::gate::relief::Rule;
use crate::stats::Holder;

/// The error of a connector. Shared, since one failed attempt is told to all who waited for it.
pub type Cause = Arc<dyn StdError + Send + Sync + 'static>;

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller's time is over.
    #[error("no connection after {waited:?}: {why}")]
    Timeout {
        /// How long the caller has waited.
        waited: Duration,
        /// What stood in the way.
        why: Why,
    },
    /// Connecting fails, and no connection is open that could come back.
    #[error("cannot connect: {cause}")]
    Connect {
        /// What the attempt met that failed while this caller waited.
        #[source]
        cause: Cause,
    },
    /// Every connection is taken or has yet to be opened, and the caller did not want to wait.
    #[error("no connection is idle: {why}")]
    NoneIdle {
        /// What stands in the way.
        why: Why,
    },
    /// The tenant in whose name the caller asked is unknown, and unknown ones are refused.
    #[error("the tenant '{tenant}' is unknown")]
    UnknownTenant {
        /// Its name.
        tenant: String,
    },
    /// A connection could not be made fit for the next borrower, and was closed: cleaning it has failed, or
    /// the hook or the check that the pool has for connections that come back.
    #[error("the connection was closed, as it could not be cleaned: {cause}")]
    Unclean {
        /// What went wrong.
        #[source]
        cause: Cause,
    },
    /// A connection could not be closed in good order; it is gone.
    #[error("the connection did not close in good order: {cause}")]
    CloseFailed {
        /// What went wrong.
        #[source]
        cause: Cause,
    },
    /// The deadline of closing came while connections were still borrowed. They are closed when they come
    /// back.
    #[error("still borrowed when the pool was closed: {}", List(.holders))]
    StillBorrowed {
        /// Who has them.
        holders: Vec<Holder>,
    },
    /// The database fails, so that nobody waits for it for now. See [`Breaker`](crate::Breaker).
    #[error("the circuit is open, next probe in {retry_after:?}: {cause}")]
    CircuitOpen {
        /// What the last failure met that was counted.
        #[source]
        cause: Cause,
        /// When the next probe comes. Zero while one is under way.
        retry_after: Duration,
    },
    /// There are no permits left. See `RateLimit`.
    #[error("the rate limit of {of} is reached, retry in {retry_after:?}")]
    RateLimited {
        /// Whose limit it is: `pool`, or `tag` or `tenant` and its name.
        of: String,
        /// When a permit may be had, as it stands now.
        retry_after: Duration,
    },
    /// A rule of [`Degradation`](crate::Degradation) has refused the caller, to spare the pool and others.
    #[error("refused by the rule {} after {waited:?}: {why}", rule.name())]
    Overloaded {
        /// Which rule.
        rule: Rule,
        /// How long the caller has waited.
        waited: Duration,
        /// How long a wait was to be expected, as far as a rule asks for it and it is known.
        expected: Option<Duration>,
        /// What stands in the way.
        why: Why,
    },
    /// What was asked for makes no sense for this pool.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// The primary of a [`Cluster`](crate::Cluster) is down, so nothing can be written. Reads may work.
    #[error("read-only, as the primary is down: {cause}")]
    ReadOnly {
        /// Why the primary is down.
        #[source]
        cause: Cause,
    },
    /// The pool is closed.
    #[error("the pool is closed")]
    Closed,
}

/// What stands in the way of a caller who gets no connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Why {
    /// All connections are in use.
    Exhausted {
        /// How many there may be.
        max: usize,
        /// How many wait for one, this caller not counted.
        waiting: usize,
        /// Who has them, since longest first.
        holders: Vec<Holder>,
    },
    /// The caller's tenant has as many connections as it may have.
    TenantFull {
        /// Its name.
        tenant: String,
        /// How many it may have.
        max: usize,
        /// How many of its callers wait, this one not counted.
        waiting: usize,
        /// Who of it has them, since longest first.
        holders: Vec<Holder>,
    },
    /// Connections are being opened, and that takes too long or fails.
    Connecting {
        /// How many are being opened.
        connecting: usize,
        /// What the last attempt that failed met, unless one has succeeded since.
        last_error: Option<Cause>,
    },
    /// Idle connections are being checked.
    Checking {
        /// How many are being checked.
        checking: usize,
        /// What the last check that failed met.
        last_error: Option<Cause>,
    },
    /// Not all are in use, but none can be lent at once: an idle one has to be checked first, or one has to be
    /// opened. For a caller who does not wait.
    NotReady {
        /// How many are idle.
        idle: usize,
        /// How many more there may be than are open.
        unopened: usize,
    },
    /// Connections are being closed, and their places are not free yet.
    Closing {
        /// How many are being closed.
        closing: usize,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = |error: &Option<Cause>| match error {
            Some(error) => format!("the last error was: {error}"),
            None => String::from("without an error so far"),
        };
        match self {
            Self::Exhausted { max, waiting, holders } => {
                write!(f, "all {max} are in use, {waiting} more wait; held by {}", List(holders))
            }
            Self::TenantFull { tenant, max, waiting, holders } => {
                write!(
                    f,
                    "all {max} that '{tenant}' may have are in use, {waiting} more of it wait; held by {}",
                    List(holders)
                )
            }
            Self::Connecting { connecting, last_error } => {
                write!(f, "{connecting} being opened, {}", last(last_error))
            }
            Self::Checking { checking, last_error } => {
                write!(f, "{checking} being checked, {}", last(last_error))
            }
            Self::NotReady { idle, unopened } => {
                write!(
                    f,
                    "{idle} idle are to be checked before they are lent, and {unopened} are not open"
                )
            }
            Self::Closing { closing } => write!(f, "{closing} being closed"),
        }
    }
}

/// The first few holders.
struct List<'a>(&'a [Holder]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for (at, holder) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{holder}", if at == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A step of a connector that took longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step} took longer than {limit:?}")]
pub struct StepTimeout {
    /// What was done: `connecting`, `checking`, `cleaning` or `closing`, or which hook ran.
    pub step: &'static str,
    /// How long it may take.
    pub limit: Duration,
}

/// A step of a connector, or a hook, that panicked. It counts as one that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step} panicked")]
pub struct StepPanic {
    /// What was done, as in [`StepTimeout`].
    pub step: &'static str,
}

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ConfigError {
    /// The setting, as a field of [`Settings`](crate::Settings) or the name of an environment variable.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ConfigError {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }

    /// The error for the first of these times that is zero.
    pub(crate) fn unless_positive(times: &[(&str, Option<Duration>)]) -> Result<(), Self> {
        match times.iter().find(|(_, time)| *time == Some(Duration::ZERO)) {
            Some((field, _)) => Err(Self::new(*field, "must be more than zero")),
            None => Ok(()),
        }
    }
}
