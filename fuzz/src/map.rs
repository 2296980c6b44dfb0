//! Every call of the map against `BTreeMap`, on one thread.

use std::ops::Bound;

use arbitrary::{Arbitrary, Result, Unstructured};
use concurrent_ordered_map::ConcurrentOrderedMap;

use crate::against::agrees;
use crate::call::{Call, NUMBERS};
use crate::keys::{Key, Opaque};

/// The slots of leaves and lanes: the smallest, small ones, and the usual.
const SHAPES: [(u8, u8); 3] = [(2, 4), (3, 5), (28, 60)];

/// Which calls on what map.
#[derive(Debug)]
pub struct Plan {
    keys: u8,
    shape: (u8, u8),
    calls: Vec<Call>,
}

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (keys, shape) = (u.int_in_range(0..=4)?, *u.choose(&SHAPES)?);
        let mut calls = Vec::new();
        while !u.is_empty() && calls.len() < 400 {
            calls.push(call(u)?);
        }
        Ok(Self { keys, shape, calls })
    }
}

/// Makes the calls, and panics where the two maps differ.
pub fn check(plan: &Plan) {
    match plan.keys {
        0 => check_with::<u64>(plan),
        // Hints tie.
        1 => check_with::<String>(plan),
        // No hints, and on the heap.
        2 => check_with::<Opaque>(plan),
        // Few keys.
        3 => check_with::<u8>(plan),
        // One key, of no size.
        _ => check_with::<()>(plan),
    }
}

fn check_with<K: Key>(plan: &Plan) {
    let (leaf, lane) = plan.shape;
    agrees::<K>(&ConcurrentOrderedMap::with_block_slots(leaf, lane), &plan.calls);
}

fn number(u: &mut Unstructured<'_>) -> Result<u32> {
    u.int_in_range(0..=NUMBERS - 1)
}

/// Few, so that those that are compared are often equal.
fn value(u: &mut Unstructured<'_>) -> Result<u32> {
    u.int_in_range(0..=7)
}

fn optional(u: &mut Unstructured<'_>) -> Result<Option<u32>> {
    Ok(if u.arbitrary()? { Some(value(u)?) } else { None })
}

fn bound(u: &mut Unstructured<'_>) -> Result<Bound<u32>> {
    Ok(match u.int_in_range(0..=4)? {
        0 => Bound::Unbounded,
        1 | 2 => Bound::Included(number(u)?),
        _ => Bound::Excluded(number(u)?),
    })
}

/// From which end to draw next, again and again.
fn ends(u: &mut Unstructured<'_>) -> Result<Vec<bool>> {
    let bits: u8 = u.arbitrary()?;
    Ok((0..6).map(|bit| bits >> bit & 1 == 1).collect())
}

/// A call. A new kind of call gets a number of its own here.
fn call(u: &mut Unstructured<'_>) -> Result<Call> {
    Ok(match u.int_in_range(0..=34)? {
        0 => Call::Read(number(u)?),
        1 => Call::Ends,
        2 => Call::LowerBound(bound(u)?),
        3 => Call::UpperBound(bound(u)?),
        4 => Call::Iter(ends(u)?),
        5 => Call::Range(bound(u)?, bound(u)?, ends(u)?),
        6 => Call::Owned(bound(u)?, bound(u)?, ends(u)?),
        7 => Call::Copy,
        8 => Call::TryInsert(number(u)?, value(u)?),
        9 => Call::GetOrInsert(number(u)?, value(u)?),
        10 => Call::GetOrInsertWith(number(u)?, value(u)?),
        11 | 12 => Call::Remove(number(u)?),
        13 => Call::RemoveEntry(number(u)?),
        14 => Call::RemoveIf(number(u)?, value(u)?),
        15 => Call::PopFirst,
        16 => Call::PopLast,
        17..=25 => update(u)?,
        26 => Call::Extend((0..8).map(|_| Ok((number(u)?, value(u)?))).collect::<Result<_>>()?),
        27 => Call::Snapshot,
        28 => Call::EndSnapshot(number(u)?),
        29 => Call::Look(number(u)?, bound(u)?, bound(u)?, ends(u)?),
        30 => {
            let count = u.int_in_range(0..=12)?;
            Call::Apply((0..count).map(|_| Ok((number(u)?, optional(u)?))).collect::<Result<_>>()?)
        }
        _ => Call::Insert(number(u)?, value(u)?),
    })
}

/// A call that writes what depends on what is there, or many keys.
fn update(u: &mut Unstructured<'_>) -> Result<Call> {
    Ok(match u.int_in_range(0..=9)? {
        // Once and then not again: a doubled value must not run over.
        0 => Call::TryUpdate(number(u)?, value(u)?),
        1 => Call::Upsert(number(u)?, value(u)?),
        2 => Call::UpsertWith(number(u)?, value(u)?),
        3 => Call::Compute(number(u)?, value(u)?),
        4 => Call::CompareExchange(number(u)?, optional(u)?, optional(u)?),
        5 => Call::Exchange(number(u)?, optional(u)?),
        6 => Call::Clear,
        7 => Call::Retain(u.int_in_range(2..=4)?),
        8 => Call::RemoveRange(bound(u)?, bound(u)?),
        _ => Call::Update(number(u)?, value(u)?),
    })
}
