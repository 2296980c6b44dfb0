//! Threads on cores of their own.
//!
//! Threads that work for a few milliseconds at a time are often left on one core by the system,
//! however many there are, and then never run at the same time.

#[cfg(all(target_os = "linux", not(miri)))]
use linux::{CoreSet, sched_getaffinity, sched_setaffinity};

/// Moves this thread to the nth of the cores that the process may use, counting round. Where
/// that cannot be done the thread stays where it is: histories then overlap less, and
/// [`crate::run::Report`] says how much.
#[cfg(all(target_os = "linux", not(miri)))]
pub fn to_core(number: usize) {
    let mut allowed = CoreSet::EMPTY;
    // SAFETY: 0 names this thread, and the set is valid for writes of the size given.
    let written = unsafe { sched_getaffinity(0, size_of::<CoreSet>(), &raw mut allowed) };
    let cores: Vec<usize> = allowed.cores().collect();
    if written != 0 || cores.is_empty() {
        return;
    }
    let mut core = CoreSet::EMPTY;
    core.insert(cores[number % cores.len()]);
    // SAFETY: 0 names this thread, and the set is valid for reads of the size given.
    let _left_there = unsafe { sched_setaffinity(0, size_of::<CoreSet>(), &raw const core) };
}

/// Elsewhere the system decides.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub fn to_core(_number: usize) {}

#[cfg(all(target_os = "linux", not(miri)))]
mod linux {
    use std::ffi::{c_int, c_ulong};

    const BITS: usize = c_ulong::BITS as usize;

    /// The C library's `cpu_set_t`: 1,024 bits in words of an `unsigned long`.
    #[repr(C)]
    #[derive(Debug)]
    pub(super) struct CoreSet([c_ulong; 1_024 / BITS]);

    impl CoreSet {
        pub(super) const EMPTY: Self = Self([0; 1_024 / BITS]);

        pub(super) fn insert(&mut self, core: usize) {
            self.0[core / BITS] |= 1 << (core % BITS);
        }

        pub(super) fn cores(&self) -> impl Iterator<Item = usize> {
            let holds = |core: &usize| self.0[core / BITS] >> (core % BITS) & 1 == 1;
            (0..1_024).filter(holds)
        }
    }

    // SAFETY: these are the C library's declarations (sched.h), which std links on Linux;
    // `pid_t` is an int there.
    unsafe extern "C" {
        pub(super) fn sched_getaffinity(pid: c_int, size: usize, set: *mut CoreSet) -> c_int;
        pub(super) fn sched_setaffinity(pid: c_int, size: usize, set: *const CoreSet) -> c_int;
    }
}
