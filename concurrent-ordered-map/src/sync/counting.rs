//! std's atomics, which note what they write, so that the core's table of what a call touches is held by a
//! test. For unit tests.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ptr::from_ref;
use std::sync::atomic::{self, Ordering};

/// A cache line.
const LINE: usize = 64;

/// What a thread has written through atomics.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Touched {
    /// Atomic read-modify-writes, those that failed too.
    pub(crate) read_modify_writes: usize,
    /// Cache lines written.
    pub(crate) lines: BTreeSet<usize>,
}

thread_local!(static TOUCHED: RefCell<Touched> = RefCell::default());

/// What this thread writes in a call.
pub(crate) fn touched_by(call: impl FnOnce()) -> Touched {
    TOUCHED.take();
    call();
    TOUCHED.take()
}

fn write<T>(place: &T, read_modify_writes: usize) {
    // A thread that ends may still free garbage.
    let _ = TOUCHED.try_with(|touched| {
        let mut touched = touched.borrow_mut();
        touched.read_modify_writes += read_modify_writes;
        touched.lines.insert(from_ref(place).addr() / LINE);
    });
}

macro_rules! counting {
    ($name:ident$(<$t:ident>)?, $inner:ty, $value:ty, [$($add:ident: $by:ty),+]) => {
        #[derive(Debug)]
        #[repr(transparent)]
        pub(crate) struct $name$(<$t>)?($inner);

        impl$(<$t>)? $name$(<$t>)? {
            pub(crate) const fn new(value: $value) -> Self {
                Self(<$inner>::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.0.load(order)
            }

            #[allow(dead_code, reason = "not every type is stored to")]
            pub(crate) fn store(&self, value: $value, order: Ordering) {
                write(self, 0);
                self.0.store(value, order);
            }

            #[allow(dead_code, reason = "not every type is exchanged")]
            pub(crate) fn compare_exchange(
                &self,
                seen: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                write(self, 1);
                self.0.compare_exchange(seen, new, success, failure)
            }

            $(#[allow(dead_code, reason = "not every type needs all")]
            pub(crate) fn $add(&self, by: $by, order: Ordering) -> $value {
                write(self, 1);
                self.0.$add(by, order)
            })+
        }
    };
}

counting!(AtomicIsize, atomic::AtomicIsize, isize, [fetch_add: isize]);
counting!(AtomicU32, atomic::AtomicU32, u32, [fetch_add: u32, fetch_sub: u32]);
counting!(AtomicU64, atomic::AtomicU64, u64, [fetch_add: u64, fetch_sub: u64, fetch_or: u64]);
counting!(AtomicPtr<T>, atomic::AtomicPtr<T>, *mut T, [fetch_or: usize]);
