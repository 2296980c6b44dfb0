//! The only file that names locks and atomics: the usual ones, or loom's when the crate is built with
//! `--cfg pool_loom`, so that loom can run the core through its interleavings.

#[cfg(pool_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
#[cfg(not(pool_loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A count in a statistic that nothing but reports depends on: the usual atomic even under loom, which would
/// stop at each of a histogram's hundreds.
pub(crate) use std::sync::atomic::AtomicU64 as Count;

#[cfg(not(pool_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(pool_loom)]
pub(crate) use loom::sync::MutexGuard;

/// Loom's mutex with `parking_lot`'s face: no poisoning.
#[cfg(pool_loom)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(pool_loom)]
impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(pool_loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("a loom model that panicked has failed already")
    }
}
