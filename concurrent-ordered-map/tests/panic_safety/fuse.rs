//! Keys and values that panic when they are told to.

use std::any::Any;
use std::borrow::Borrow;
use std::cell::Cell;
use std::cmp::Ordering as Order;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::common::ledger::{Counted, Ledger};
use crate::common::{collect_until, push_out_until};

pub(crate) static KEYS: Ledger = Ledger::new();
pub(crate) static VALUES: Ledger = Ledger::new();

thread_local! {
    /// How many more steps this thread makes until it panics; `None`: no panic.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// What the panics here carry, so that others are not taken for them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blown;

/// Panics without the panic hook, which would print each of many thousands.
pub(crate) fn blow() -> ! {
    resume_unwind(Box::new(Blown))
}

/// The panic after `steps` more steps is this thread's last.
pub(crate) fn light(steps: Option<u32>) {
    FUSE.set(steps);
}

/// What is left of the fuse. `None` when it has blown, or was not lit.
pub(crate) fn left() -> Option<u32> {
    FUSE.get()
}

/// One step.
pub(crate) fn burn() {
    match FUSE.get() {
        None => {}
        Some(0) => {
            FUSE.set(None);
            blow();
        }
        Some(steps) => FUSE.set(Some(steps - 1)),
    }
}

/// Runs what may panic. Answers whether it did.
pub(crate) fn blows(what: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(what)) {
        Ok(()) => false,
        Err(payload) => {
            expect_blown(payload);
            true
        }
    }
}

/// Goes on with a panic that is not one of those here.
pub(crate) fn expect_blown(payload: Box<dyn Any + Send>) {
    if let Err(other) = payload.downcast::<Blown>() {
        resume_unwind(other);
    }
}

/// A number whose every comparison is a step.
#[derive(Debug)]
pub(crate) struct Fused(pub(crate) Counted);

impl Fused {
    pub(crate) fn new(n: u32) -> Self {
        Self(Counted::new(n, &KEYS))
    }
}

impl Clone for Fused {
    fn clone(&self) -> Self {
        burn();
        Self(self.0.clone())
    }
}

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Fused {}

impl PartialOrd for Fused {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Fused {
    fn cmp(&self, other: &Self) -> Order {
        burn();
        self.0.cmp(&other.0)
    }
}

impl Borrow<Counted> for Fused {
    fn borrow(&self) -> &Counted {
        &self.0
    }
}

/// A value whose comparisons and copies are steps.
#[derive(Debug)]
pub(crate) struct Value(pub(crate) Counted);

impl Value {
    pub(crate) fn new(n: u32) -> Self {
        Self(Counted::new(n, &VALUES))
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        burn();
        Self(self.0.clone())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        burn();
        self.0 == other.0
    }
}

pub(crate) type Map = ConcurrentOrderedMap<Fused, Value>;
pub(crate) type Model = BTreeMap<u32, u32>;

pub(crate) fn content(map: &Map) -> Model {
    let session = map.pin();
    session.iter().map(|(key, value)| (key.0.n, value.0.n)).collect()
}

/// The map is well: all ways to read it agree, it can be written, and it has lost nothing and keeps nothing.
pub(crate) fn check_and_drop(map: Map, numbers: u32) {
    let here = content(&map);
    {
        let session = map.pin();
        assert_eq!(session.len(), here.len(), "len at rest");
        assert_eq!(session.iter().count(), here.len());
        assert!(session.iter().rev().map(|(key, _)| key.0.n).eq(here.keys().rev().copied()));
        for n in 0..numbers {
            let found = session.get(&Fused::new(n)).map(|value| value.0.n);
            assert_eq!(found, here.get(&n).copied(), "get {n}");
        }
        for (key, value) in &session {
            assert!(key.0.token.is_alive() && value.0.token.is_alive());
        }
    }
    collect_until(&map, "no value is alive but the map's", || VALUES.alive() == here.len());
    assert!(KEYS.alive() >= here.len());
    write_all_over(&map, numbers);
    drop(map);
    push_out_until("nothing is left", || KEYS.alive() == 0 && VALUES.alive() == 0);
    KEYS.close();
    VALUES.close();
}

/// Fills the map, empties it to a half, and then wholly.
fn write_all_over(map: &Map, numbers: u32) {
    for n in 0..numbers {
        map.set(Fused::new(n), Value::new(n + 1));
    }
    assert_eq!(content(map), (0..numbers).map(|n| (n, n + 1)).collect::<Model>());
    for n in (0..numbers).step_by(2) {
        assert!(map.delete(&Fused::new(n)));
    }
    assert!(content(map).into_keys().eq((1..numbers).step_by(2)));
    assert_eq!(map.len(), content(map).len());
    let session = map.pin();
    while let Some((key, _)) = session.pop_first() {
        assert!(!key.0.n.is_multiple_of(2));
    }
    assert!(session.is_empty());
    assert_eq!(session.len(), 0);
}
