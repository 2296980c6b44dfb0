//! Maps to try the checker on: one that is right, and some with a classic fault each.
//!
//! All are a `BTreeMap` under a mutex. The faulty ones do something in two lock sections that
//! has to be one step, and yield in between, where a lock-free map has its races.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::map_spec::{Model, Op, Ret, Subject, apply};

/// The right one: every call is one lock section.
#[derive(Debug, Default)]
pub struct LockedMap(Mutex<Model>);

impl LockedMap {
    fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subject for LockedMap {
    fn new() -> Self {
        Self::default()
    }

    fn apply(&self, op: &Op) -> Ret {
        apply(&mut self.lock(), op)
    }
}

/// Where the faulty maps let other threads in.
fn gap() {
    thread::yield_now();
}

/// Defines a map that answers some calls faultily and the others like [`LockedMap`].
macro_rules! faulty_map {
    ($(#[$doc:meta])* $name:ident($map:ident) { $($call:pat => $answer:expr),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name(LockedMap);

        impl Subject for $name {
            fn new() -> Self {
                Self::default()
            }

            fn apply(&self, op: &Op) -> Ret {
                let $map = &self.0;
                match *op {
                    $($call => $answer,)+
                    _ => $map.apply(op),
                }
            }
        }
    };
}

faulty_map! {
    /// Overwrites by removing and inserting: a key that is always there flickers.
    FlickeringInsert(map) {
        Op::Insert(k, v) => {
            let old = map.lock().remove(&k);
            gap();
            map.lock().insert(k, v);
            Ret::Value(old)
        }
    }
}

faulty_map! {
    /// Reads the value to remove and then removes: two callers get the same one.
    DoubleRemove(map) {
        Op::Remove(k) => {
            let old = map.lock().get(&k).copied();
            gap();
            map.lock().remove(&k);
            Ret::Value(old)
        }
    }
}

faulty_map! {
    /// Reads, computes and writes back: an update in between is lost.
    LostUpdate(map) {
        Op::Add(k, d) => {
            let sum = map.lock().get(&k).map(|v| v.wrapping_add(d));
            gap();
            if let Some(sum) = sum {
                map.lock().insert(k, sum);
            }
            Ret::Value(sum)
        }
    }
}

faulty_map! {
    /// Finds the least key and then removes it, whether or not it still is the least.
    TornPop(map) {
        Op::PopFirst => {
            let least = map.lock().first_key_value().map(|(&k, _)| k);
            gap();
            Ret::Entry(least.and_then(|k| map.lock().remove(&k).map(|v| (k, v))))
        }
    }
}

faulty_map! {
    /// Finds the key above the bound and then reads it, going on from there if it is gone: a key
    /// that was inserted behind is passed over.
    TornLowerBound(map) {
        Op::LowerBound(k) => {
            let next = map.lock().range(k..).next().map(|(&found, _)| found);
            gap();
            let map = map.lock();
            let entry = next.and_then(|found| map.range(found..).next());
            Ret::Entry(entry.map(|(&k, &v)| (k, v)))
        }
    }
}

faulty_map! {
    /// Skips the key that equals the bound.
    SkippingLowerBound(map) {
        Op::LowerBound(k) => map.apply(&Op::After(k))
    }
}

faulty_map! {
    /// Looks whether the key is absent and then inserts: two callers both win.
    TwoWinners(map) {
        Op::TryInsert(k, v) => {
            if let Some(&existing) = map.lock().get(&k) {
                return Ret::Tried(Err(existing));
            }
            gap();
            map.lock().insert(k, v);
            Ret::Tried(Ok(()))
        }
    }
}

faulty_map! {
    /// Compares and then exchanges: a write in between is overwritten unseen.
    TornExchange(map) {
        Op::CompareExchange(k, current, new) => {
            let actual = map.lock().get(&k).copied();
            if actual != current {
                return Ret::Exchanged(Err(actual));
            }
            gap();
            map.apply(&new.map_or(Op::Remove(k), |v| Op::Insert(k, v)));
            Ret::Exchanged(Ok(()))
        }
    }
}

faulty_map! {
    /// Reads the lower half of the keys and then the upper one.
    TornSnapshot(map) {
        Op::Snapshot => {
            let mut entries = map.lock().clone();
            gap();
            entries.retain(|&k, _| k < 2);
            entries.extend(map.lock().range(2..));
            Ret::all(entries)
        }
    }
}

faulty_map! {
    /// Makes the writes of a batch one by one.
    TornBatch(map) {
        Op::Batch(writes) => {
            let mut before = BTreeMap::new();
            for (k, v) in writes {
                gap();
                let mut map = map.lock();
                before.entry(k).or_insert(map.get(&k).copied());
                match v {
                    Some(v) => _ = map.insert(k, v),
                    None => _ = map.remove(&k),
                }
            }
            Ret::displaced(before.into_iter().filter_map(|(k, before)| Some((k, before?))))
        }
    }
}

/// Reads from a copy that each write replaces a moment after it took effect: a read misses what
/// another call has already seen, and an older copy can replace a newer one.
#[derive(Debug, Default)]
pub struct StaleRead {
    map: LockedMap,
    copy: Mutex<BTreeMap<u8, u32>>,
}

impl Subject for StaleRead {
    fn new() -> Self {
        Self::default()
    }

    fn apply(&self, op: &Op) -> Ret {
        let copy = || self.copy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Op::Get(_) = op {
            return apply(&mut copy(), op);
        }
        let (ret, newest) = {
            let mut map = self.map.lock();
            (apply(&mut map, op), map.clone())
        };
        gap();
        *copy() = newest;
        ret
    }
}
