//! The only file that names atomics: std's, or loom's when the crate is built with `--cfg com_loom`.
//!
//! Everything above writes `crate::sync::AtomicPtr` and is model-checked as it stands.

#[cfg(com_loom)]
pub(crate) use loom::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, Ordering};
#[cfg(not(com_loom))]
pub(crate) use std::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// How many counters a striped count is spread over.
#[cfg(com_loom)]
pub(crate) const STRIPES: usize = 1;
#[cfg(not(com_loom))]
pub(crate) const STRIPES: usize = 8;

/// The stripe of the calling thread: threads are dealt out to the stripes in turn.
#[cfg(not(com_loom))]
pub(crate) fn stripe() -> usize {
    use std::sync::atomic::AtomicUsize;

    static DEALT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static STRIPE: usize = DEALT.fetch_add(1, Ordering::Relaxed) % STRIPES);
    // A thread that is being torn down may have lost its number; any stripe will do.
    STRIPE.try_with(|stripe| *stripe).unwrap_or(0)
}

#[cfg(com_loom)]
pub(crate) fn stripe() -> usize {
    0
}

/// Sets tag bits in a pointer and answers what it held before.
#[cfg(not(com_loom))]
pub(crate) fn fetch_tag<T>(pointer: &AtomicPtr<T>, bits: usize, order: Ordering) -> *mut T {
    pointer.fetch_or(bits, order)
}

/// Loom has no `AtomicPtr::fetch_or`; a compare-exchange loop is the same step.
#[cfg(com_loom)]
pub(crate) fn fetch_tag<T>(pointer: &AtomicPtr<T>, bits: usize, order: Ordering) -> *mut T {
    let mut seen = pointer.load(Ordering::Relaxed);
    loop {
        let tagged = seen.map_addr(|address| address | bits);
        match pointer.compare_exchange(seen, tagged, order, Ordering::Relaxed) {
            Ok(before) => return before,
            Err(now) => seen = now,
        }
    }
}

/// Stands in a published object for its plain content: written at birth, read at every look. In a loom
/// model a read that is not ordered after the write fails; otherwise it is nothing.
#[cfg(not(com_loom))]
pub(crate) struct Witness;

#[cfg(not(com_loom))]
impl Witness {
    pub(crate) fn written() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn read(&self) {}
}

#[cfg(com_loom)]
pub(crate) struct Witness(loom::cell::UnsafeCell<()>);

#[cfg(com_loom)]
impl Witness {
    pub(crate) fn written() -> Self {
        let cell = loom::cell::UnsafeCell::new(());
        cell.with_mut(|_| ());
        Self(cell)
    }

    pub(crate) fn read(&self) {
        self.0.with(|_| ());
    }
}
