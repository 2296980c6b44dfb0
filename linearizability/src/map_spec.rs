//! The ordered map as a sequential object, with `u8` keys and `u32` values.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::ops::RangeInclusive;

use crate::linearize::{Footprint, Spec};

/// A map under test.
///
/// `'static`, so that a run can give up on threads that never come back from a call.
pub trait Subject: Send + Sync + 'static {
    /// An empty map.
    fn new() -> Self;

    /// Makes the call.
    fn apply(&self, op: &Op) -> Ret;

    /// Whether the map has this call. The others are not generated.
    fn supports(_op: &Op) -> bool {
        true
    }
}

/// A call on the map. Fields are in the order key, value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The key's value.
    Get(u8),
    /// Whether the key is there.
    ContainsKey(u8),
    /// Sets the key's value and answers the old one.
    Insert(u8, u32),
    /// Sets the key's value if the key is absent, else answers the one it has.
    TryInsert(u8, u32),
    /// Removes the key and answers its value.
    Remove(u8),
    /// Adds to the key's value (wrapping) if the key is there, and answers the sum.
    Add(u8, u32),
    /// Sets or removes the key's value (second option) if it is as expected (first option),
    /// else answers what it is; `None` is an absent key.
    CompareExchange(u8, Option<u32>, Option<u32>),
    /// Removes and answers the least entry.
    PopFirst,
    /// Removes and answers the greatest entry.
    PopLast,
    /// The least entry.
    First,
    /// The greatest entry.
    Last,
    /// The least entry at or above the key.
    LowerBound(u8),
    /// The greatest entry at or below the key.
    UpperBound(u8),
    /// The least entry above the key.
    After(u8),
    /// The greatest entry below the key.
    Before(u8),
    /// All entries, at one moment.
    Snapshot,
    /// Sets the keys' values, or removes the keys, at one moment; of those with one key the last counts.
    /// Answers the entries that were there.
    Batch([(u8, Option<u32>); BATCH_WRITES]),
}

/// How many writes a batch has.
pub const BATCH_WRITES: usize = 3;

/// How many keys a map may have whose snapshots are taken.
pub const SNAPSHOT_KEYS: usize = 16;

/// A call's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    /// Of `Get`, `Insert`, `Remove` and `Add`.
    Value(Option<u32>),
    /// Of `ContainsKey`.
    Present(bool),
    /// Of `TryInsert`.
    Tried(Result<(), u32>),
    /// Of `CompareExchange`.
    Exchanged(Result<(), Option<u32>>),
    /// Of the calls that go by key order.
    Entry(Option<(u8, u32)>),
    /// Of `Snapshot`: the values of the keys from 0 on.
    All([Option<u32>; SNAPSHOT_KEYS]),
    /// Of `Batch`, in the order of their keys.
    Displaced([Option<(u8, u32)>; BATCH_WRITES]),
}

impl Ret {
    /// The answer of `Snapshot`.
    ///
    /// # Panics
    /// If there is a key that is too large.
    pub fn all(entries: impl IntoIterator<Item = (u8, u32)>) -> Self {
        let mut values = [None; SNAPSHOT_KEYS];
        for (key, value) in entries {
            values[usize::from(key)] = Some(value);
        }
        Self::All(values)
    }

    /// The answer of `Batch`.
    pub fn displaced(entries: impl IntoIterator<Item = (u8, u32)>) -> Self {
        let mut displaced = [None; BATCH_WRITES];
        for (place, entry) in displaced.iter_mut().zip(entries) {
            *place = Some(entry);
        }
        Self::Displaced(displaced)
    }
}

/// Printed without the variant's name, which the call beside it makes plain.
impl Debug for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ret::Value(value) => value.fmt(f),
            Ret::Present(present) => present.fmt(f),
            Ret::Tried(tried) => tried.fmt(f),
            Ret::Exchanged(exchanged) => exchanged.fmt(f),
            Ret::Entry(entry) => entry.fmt(f),
            Ret::Displaced(entries) => {
                f.debug_map().entries(entries.iter().flatten().copied()).finish()
            }
            Ret::All(values) => {
                let there =
                    values.iter().enumerate().filter_map(|(key, value)| Some((key, (*value)?)));
                f.debug_map().entries(there).finish()
            }
        }
    }
}

/// A sequential map.
pub type Model = BTreeMap<u8, u32>;

/// Makes the call on a sequential map.
pub fn apply(map: &mut Model, op: &Op) -> Ret {
    let entry = |found: Option<(&u8, &u32)>| Ret::Entry(found.map(|(&k, &v)| (k, v)));
    match *op {
        Op::Get(k) => Ret::Value(map.get(&k).copied()),
        Op::ContainsKey(k) => Ret::Present(map.contains_key(&k)),
        Op::Insert(k, v) => Ret::Value(map.insert(k, v)),
        Op::TryInsert(k, v) => Ret::Tried(try_insert(map, k, v)),
        Op::Remove(k) => Ret::Value(map.remove(&k)),
        Op::Add(k, d) => Ret::Value(map.get_mut(&k).map(|v| {
            *v = v.wrapping_add(d);
            *v
        })),
        Op::CompareExchange(k, current, new) => {
            Ret::Exchanged(compare_exchange(map, k, current, new))
        }
        Op::PopFirst => Ret::Entry(map.pop_first()),
        Op::PopLast => Ret::Entry(map.pop_last()),
        Op::First => entry(map.first_key_value()),
        Op::Last => entry(map.last_key_value()),
        Op::LowerBound(k) => entry(map.range(k..).next()),
        Op::UpperBound(k) => entry(map.range(..=k).next_back()),
        Op::After(k) => entry(map.iter().find(|&(&key, _)| key > k)),
        Op::Before(k) => entry(map.range(..k).next_back()),
        Op::Snapshot => Ret::all(map.iter().map(|(&k, &v)| (k, v))),
        Op::Batch(writes) => {
            let last: BTreeMap<u8, Option<u32>> = writes.into_iter().collect();
            let write = |(k, v): (u8, Option<u32>)| {
                let before = match v {
                    Some(v) => map.insert(k, v),
                    None => map.remove(&k),
                };
                before.map(|before| (k, before))
            };
            Ret::displaced(last.into_iter().filter_map(write))
        }
    }
}

fn try_insert(map: &mut Model, k: u8, v: u32) -> Result<(), u32> {
    match map.get(&k) {
        Some(&existing) => Err(existing),
        None => {
            map.insert(k, v);
            Ok(())
        }
    }
}

fn compare_exchange(
    map: &mut Model,
    k: u8,
    current: Option<u32>,
    new: Option<u32>,
) -> Result<(), Option<u32>> {
    let actual = map.get(&k).copied();
    if actual != current {
        return Err(actual);
    }
    match new {
        Some(v) => map.insert(k, v),
        None => map.remove(&k),
    };
    Ok(())
}

/// The map's [`Spec`]. Its parts, for footprints, are its keys.
#[derive(Debug)]
pub struct MapSpec;

impl Spec for MapSpec {
    type State = Model;
    type Op = Op;
    type Ret = Ret;

    fn initial() -> Model {
        Model::new()
    }

    fn step(state: &Model, op: &Op, ret: &Ret) -> Option<Model> {
        let mut next = state.clone();
        (apply(&mut next, op) == *ret).then_some(next)
    }

    /// A call that went by key order depends on the keys it passed over and on the one it
    /// answered, a call on one key only on that one.
    fn footprint(op: &Op, ret: &Ret) -> Footprint {
        let found = match *ret {
            Ret::Entry(entry) => entry.map(|(key, _)| key),
            _ => None,
        };
        let up_from = |k: u8| k..=found.unwrap_or(u8::MAX);
        let down_from = |k: u8| found.unwrap_or(u8::MIN)..=k;
        let (depends_on, changes) = match *op {
            Op::Get(k) | Op::ContainsKey(k) => (k..=k, None),
            Op::Insert(k, _)
            | Op::TryInsert(k, _)
            | Op::Remove(k)
            | Op::Add(k, _)
            | Op::CompareExchange(k, ..) => (k..=k, changes_its_key(op, ret).then_some(k)),
            Op::PopFirst => (up_from(u8::MIN), found),
            Op::PopLast => (down_from(u8::MAX), found),
            Op::First => (up_from(u8::MIN), None),
            Op::Last => (down_from(u8::MAX), None),
            Op::LowerBound(k) | Op::After(k) => (up_from(k), None),
            Op::UpperBound(k) | Op::Before(k) => (down_from(k), None),
            Op::Snapshot => (u8::MIN..=u8::MAX, None),
            Op::Batch(writes) => {
                let keys = writes.map(|(k, _)| k);
                let span =
                    keys.into_iter().min().unwrap_or(0)..=keys.into_iter().max().unwrap_or(0);
                return Footprint { depends_on: parts(&span), changes: Some(parts(&span)) };
            }
        };
        Footprint {
            depends_on: parts(&depends_on),
            changes: changes.map(|k| u32::from(k)..=u32::from(k)),
        }
    }
}

/// Keys as a footprint's parts.
fn parts(keys: &RangeInclusive<u8>) -> RangeInclusive<u32> {
    u32::from(*keys.start())..=u32::from(*keys.end())
}

/// Whether a call on one key may have changed it, going by its answer.
fn changes_its_key(op: &Op, ret: &Ret) -> bool {
    match (op, ret) {
        (Op::Insert(..), _) => true,
        (_, Ret::Value(value)) => value.is_some(),
        (_, Ret::Tried(tried)) => tried.is_ok(),
        (_, Ret::Exchanged(exchanged)) => exchanged.is_ok(),
        // An answer of the wrong kind: claiming a change is the safe side.
        (_, Ret::Present(_) | Ret::Entry(_) | Ret::All(_) | Ret::Displaced(_)) => true,
    }
}
