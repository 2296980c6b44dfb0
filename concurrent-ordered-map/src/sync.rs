//! The only file that names atomics: std's, or loom's when the crate is built with `--cfg com_loom`, or
//! shuttle's with `--cfg com_shuttle`.
//!
//! Everything above writes `crate::sync::AtomicPtr` and is model-checked as it stands. Loom tries every
//! schedule and weak orderings, of models of two threads with a call or two each. Shuttle draws schedules at
//! random and knows sequential consistency only, so it takes more threads with many calls.

#[cfg(all(com_loom, not(com_epoch)))]
pub(crate) use loom::lazy_static;
#[cfg(com_loom)]
pub(crate) use loom::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, Ordering};
#[cfg(com_shuttle)]
pub(crate) use shuttle::lazy_static;
#[cfg(com_shuttle)]
pub(crate) use shuttle::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicU64, Ordering};
#[cfg(not(any(com_loom, com_shuttle)))]
pub(crate) use std::sync::atomic::Ordering;
#[cfg(not(any(com_loom, com_shuttle, test)))]
pub(crate) use std::sync::atomic::{AtomicIsize, AtomicPtr, AtomicU32, AtomicU64};

#[cfg(all(test, not(any(com_loom, com_shuttle))))]
pub(crate) use counting::{AtomicIsize, AtomicPtr, AtomicU32, AtomicU64};

#[cfg(all(test, not(any(com_loom, com_shuttle))))]
pub(crate) mod counting;

/// How many counters a striped count is spread over.
#[cfg(any(com_loom, com_shuttle))]
pub(crate) const STRIPES: usize = 1;
#[cfg(not(any(com_loom, com_shuttle)))]
pub(crate) const STRIPES: usize = 8;

/// The stripe of the calling thread: threads are dealt out to the stripes in turn.
#[cfg(not(any(com_loom, com_shuttle)))]
pub(crate) fn stripe() -> usize {
    use std::sync::atomic::AtomicUsize;

    static DEALT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static STRIPE: usize = DEALT.fetch_add(1, Ordering::Relaxed) % STRIPES);
    // A thread that is being torn down may have lost its number; any stripe will do.
    STRIPE.try_with(|stripe| *stripe).unwrap_or(0)
}

#[cfg(any(com_loom, com_shuttle))]
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

/// Stands in a published object for its plain content: written at birth, read at every look, written again
/// before it is freed. In a loom model a read fails that is not ordered between the two; otherwise it is
/// nothing.
#[cfg(not(com_loom))]
pub(crate) struct Witness;

#[cfg(not(com_loom))]
impl Witness {
    pub(crate) fn written() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn read(&self) {}

    #[inline(always)]
    pub(crate) fn end(&self) {}
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

    pub(crate) fn end(&self) {
        self.0.with_mut(|_| ());
    }
}

/// Stands for the plain content of memory that is written through atomics before it is published, and read by
/// references afterwards: nothing, since std's atomics are laid out as what they hold. In models it is a copy,
/// which loom checks.
#[cfg(not(any(com_loom, com_shuttle)))]
pub(crate) struct Plain<T>(std::marker::PhantomData<T>);

#[cfg(not(any(com_loom, com_shuttle)))]
impl<T> Plain<T> {
    #[inline(always)]
    pub(crate) fn new(_: T) -> Self {
        Self(std::marker::PhantomData)
    }

    #[inline(always)]
    pub(crate) fn set(&self, _: T) {}

    /// Where the content is, given where the atomics are.
    #[inline(always)]
    pub(crate) fn get(&self, atomics: *const T) -> *const T {
        atomics
    }
}

#[cfg(com_loom)]
pub(crate) struct Plain<T>(loom::cell::UnsafeCell<T>);

#[cfg(com_loom)]
impl<T> Plain<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(loom::cell::UnsafeCell::new(content))
    }

    #[allow(unsafe_code, reason = "loom's cell hands out a pointer")]
    pub(crate) fn set(&self, content: T) {
        // SAFETY: loom fails where it is read or written meanwhile.
        self.0.with_mut(|place| unsafe { *place = content });
    }

    pub(crate) fn get(&self, _: *const T) -> *const T {
        self.0.with(|place| place)
    }
}

#[cfg(com_shuttle)]
pub(crate) struct Plain<T>(std::cell::UnsafeCell<T>);

#[cfg(com_shuttle)]
impl<T> Plain<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(std::cell::UnsafeCell::new(content))
    }

    #[allow(unsafe_code, reason = "the cell hands out a pointer")]
    pub(crate) fn set(&self, content: T) {
        // SAFETY: shuttle runs one thread at a time, and references are made of published content only.
        unsafe { *self.0.get() = content };
    }

    pub(crate) fn get(&self, _: *const T) -> *const T {
        self.0.get()
    }
}
