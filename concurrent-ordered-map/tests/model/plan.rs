//! What proptest draws at random.

use std::ops::Bound;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::call::{Call, NUMBERS};

fn number() -> impl Strategy<Value = u32> {
    0..NUMBERS
}

/// Few values, so that those that are compared are often equal.
fn value() -> impl Strategy<Value = u32> {
    0..8_u32
}

pub(crate) fn bound() -> impl Strategy<Value = Bound<u32>> {
    prop_oneof![
        1 => Just(Bound::Unbounded),
        3 => number().prop_map(Bound::Included),
        3 => number().prop_map(Bound::Excluded),
    ]
}

/// From which end to draw next, again and again.
fn ends() -> impl Strategy<Value = Vec<bool>> {
    vec(any::<bool>(), 1..7)
}

fn reading() -> impl Strategy<Value = Call> {
    prop_oneof![
        number().prop_map(Call::Read),
        Just(Call::Ends),
        bound().prop_map(Call::LowerBound),
        bound().prop_map(Call::UpperBound),
        ends().prop_map(Call::Iter),
        (bound(), bound(), ends()).prop_map(|(from, to, ends)| Call::Range(from, to, ends)),
        (bound(), bound(), ends()).prop_map(|(from, to, ends)| Call::Owned(from, to, ends)),
        Just(Call::Copy),
    ]
}

fn writing() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => (number(), value()).prop_map(|(n, v)| Call::Insert(n, v)),
        2 => (number(), value()).prop_map(|(n, v)| Call::TryInsert(n, v)),
        2 => (number(), value()).prop_map(|(n, v)| Call::GetOrInsert(n, v)),
        2 => (number(), value()).prop_map(|(n, v)| Call::GetOrInsertWith(n, v)),
        5 => number().prop_map(Call::Remove),
        2 => number().prop_map(Call::RemoveEntry),
        2 => (number(), value()).prop_map(|(n, v)| Call::RemoveIf(n, v)),
        2 => Just(Call::PopFirst),
        2 => Just(Call::PopLast),
    ]
}

fn updating() -> impl Strategy<Value = Call> {
    let optional = || prop::option::of(value());
    prop_oneof![
        (number(), value()).prop_map(|(n, v)| Call::Update(n, v)),
        (number(), value()).prop_map(|(n, v)| Call::TryUpdate(n, v)),
        (number(), value()).prop_map(|(n, v)| Call::Upsert(n, v)),
        (number(), value()).prop_map(|(n, v)| Call::UpsertWith(n, v)),
        (number(), value()).prop_map(|(n, v)| Call::Compute(n, v)),
        (number(), optional(), optional()).prop_map(|(n, c, v)| Call::CompareExchange(n, c, v)),
        (number(), optional()).prop_map(|(n, v)| Call::Exchange(n, v)),
    ]
}

fn many_keys() -> impl Strategy<Value = Call> {
    prop_oneof![
        1 => Just(Call::Clear),
        2 => (2..5_u32).prop_map(Call::Retain),
        3 => (bound(), bound()).prop_map(|(from, to)| Call::RemoveRange(from, to)),
        6 => vec((number(), value()), 0..20).prop_map(Call::Extend),
        6 => vec((number(), of(value())), 0..20).prop_map(Call::Apply),
    ]
}

fn snapshots() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => Just(Call::Snapshot),
        1 => number().prop_map(Call::EndSnapshot),
        3 => (number(), bound(), bound(), ends())
            .prop_map(|(n, from, to, ends)| Call::Look(n, from, to, ends)),
    ]
}

pub(crate) fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        3 => reading(),
        8 => writing(),
        3 => updating(),
        1 => many_keys(),
        1 => snapshots(),
    ];
    vec(call, 0..100)
}

pub(crate) fn config() -> ProptestConfig {
    // The environment's PROPTEST_CASES is the default's.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}
