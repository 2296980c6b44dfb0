//! Why a conditional write left the map as it was. Each error gives back the value it was handed.

use std::error::Error;
use std::fmt;

/// The key of a [`try_insert`](crate::Pinned::try_insert) was there already.
///
/// `R` is `&V` where a session answers, and an owned `V` where the map does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OccupiedError<R, V> {
    /// The value that the key has.
    pub current: R,
    /// The value that was not inserted.
    pub value: V,
}

impl<R: fmt::Debug, V: fmt::Debug> fmt::Display for OccupiedError<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} was not inserted, as the key has {:?}", self.value, self.current)
    }
}

impl<R: fmt::Debug, V: fmt::Debug> Error for OccupiedError<R, V> {}

/// The key of a [`compare_exchange`](crate::Pinned::compare_exchange) had another value than expected.
///
/// `R` is `&V` where a session answers, and an owned `V` where the map does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompareExchangeError<R, V> {
    /// The value that the key has; `None` if it is absent.
    pub actual: Option<R>,
    /// What the key was to have.
    pub new: Option<V>,
}

impl<R: fmt::Debug, V: fmt::Debug> fmt::Display for CompareExchangeError<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.actual {
            Some(actual) => write!(f, "the key has another value than expected: {actual:?}"),
            None => f.write_str("the key is absent"),
        }
    }
}

impl<R: fmt::Debug, V: fmt::Debug> Error for CompareExchangeError<R, V> {}
