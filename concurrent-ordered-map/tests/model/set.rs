//! The set against `BTreeSet`.

use std::collections::BTreeSet;
use std::ops::Bound;

use concurrent_ordered_map::{ConcurrentOrderedSet, OwnedSetIter};
use proptest::prelude::*;

use super::call::{Call, drawn, key_bound, within};
use super::plan::{calls, config};
use crate::common::keys::{Key, Opaque};

fn read<K: Key>(set: &ConcurrentOrderedSet<K>, model: &BTreeSet<K>, call: &Call) {
    let session = set.pin();
    let all = Bound::Unbounded;
    let keys = |from: &Bound<K>, to: &Bound<K>| -> Vec<K> {
        model.iter().filter(|key| within(*key, from, to)).cloned().collect()
    };
    match call {
        Call::Ends => {
            assert_eq!((session.first(), session.last()), (model.first(), model.last()));
            assert_eq!((set.first().as_ref(), set.last().as_ref()), (model.first(), model.last()));
            assert_eq!(session.is_empty(), model.is_empty());
        }
        Call::LowerBound(from) => {
            let from = key_bound::<K>(*from);
            assert_eq!(session.lower_bound(from.as_ref()), keys(&from, &all).first());
            assert_eq!(set.lower_bound(from.as_ref()).as_ref(), keys(&from, &all).first());
        }
        Call::UpperBound(to) => {
            let to = key_bound::<K>(*to);
            assert_eq!(session.upper_bound(to.as_ref()), keys(&all, &to).last());
            assert_eq!(set.upper_bound(to.as_ref()).as_ref(), keys(&all, &to).last());
        }
        Call::Range(from, to, ends) | Call::Owned(from, to, ends) => {
            let (from, to) = (key_bound::<K>(*from), key_bound::<K>(*to));
            let expected = drawn(keys(&from, &to).into_iter(), ends);
            let range = session.range::<K, _>((from.as_ref(), to.as_ref()));
            assert_eq!(drawn(range.cloned(), ends), expected);
            assert_eq!(drawn(set.range((from.as_ref(), to.as_ref())), ends), expected);
            assert_eq!(drawn(OwnedSetIter::within(set, (from, to)), ends), expected);
        }
        Call::Iter(ends) => {
            assert_eq!(drawn(session.iter(), ends), drawn(model.iter(), ends));
            assert_eq!(drawn(set.iter(), ends), drawn(model.iter().cloned(), ends));
        }
        Call::Copy => {
            let copy = set.clone();
            assert!(copy == *set && copy.into_iter().eq(model.iter().cloned()));
            assert_eq!(format!("{set:?}"), format!("{model:?}"));
        }
        Call::Read(n) => {
            let key = K::of(*n);
            assert_eq!(session.contains(&key), model.contains(&key));
            assert_eq!(
                (session.get(&key), set.get(&key).as_ref()),
                (model.get(&key), model.get(&key))
            );
        }
        _ => unreachable!("{call:?} is not a read"),
    }
}

fn write<K: Key>(set: &ConcurrentOrderedSet<K>, model: &mut BTreeSet<K>, call: &Call) {
    let session = set.pin();
    match call {
        Call::Insert(n, _) | Call::TryInsert(n, _) | Call::GetOrInsert(n, _) => {
            assert_eq!(session.insert(K::of(*n)), model.insert(K::of(*n)));
        }
        Call::Upsert(n, _) | Call::Update(n, _) => {
            assert_eq!(session.replace(K::of(*n)), !model.insert(K::of(*n)));
        }
        Call::Remove(n) => assert_eq!(session.remove(&K::of(*n)), model.remove(&K::of(*n))),
        Call::RemoveEntry(n) => {
            assert_eq!(session.take(&K::of(*n)).cloned(), model.take(&K::of(*n)));
        }
        Call::RemoveIf(n, _) => assert_eq!(set.take(&K::of(*n)), model.take(&K::of(*n))),
        Call::PopFirst => assert_eq!(session.pop_first().cloned(), model.pop_first()),
        Call::PopLast => assert_eq!(session.pop_last().cloned(), model.pop_last()),
        Call::Clear => {
            session.clear();
            model.clear();
        }
        Call::Retain(modulus) => {
            let mut kept = 0;
            let mut every = || {
                kept += 1;
                kept % modulus == 0
            };
            session.retain(|_| every());
            let mut kept = 0;
            model.retain(|_| {
                kept += 1;
                kept % modulus == 0
            });
        }
        Call::RemoveRange(from, to) => {
            let (from, to) = (key_bound::<K>(*from), key_bound::<K>(*to));
            let removed = session.remove_range::<K, _>((from.as_ref(), to.as_ref()));
            let before = model.len();
            model.retain(|key| !within(key, &from, &to));
            assert_eq!(removed, before - model.len());
        }
        Call::Extend(entries) => {
            session.extend(entries.iter().map(|(n, _)| K::of(*n)));
            model.extend(entries.iter().map(|(n, _)| K::of(*n)));
        }
        // Calls that only the map has.
        _ => {}
    }
}

fn agrees<K: Key>(calls: &[Call]) {
    let set = ConcurrentOrderedSet::new();
    let mut model = BTreeSet::<K>::new();
    for call in calls {
        match call {
            Call::Read(_)
            | Call::Ends
            | Call::LowerBound(_)
            | Call::UpperBound(_)
            | Call::Iter(_)
            | Call::Range(..)
            | Call::Owned(..)
            | Call::Copy => read(&set, &model, call),
            _ => write(&set, &mut model, call),
        }
        assert_eq!(set.len(), model.len(), "after {call:?}");
    }
    assert!(set.pin().iter().eq(&model));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_set_of_numbers_agrees(calls in calls()) {
        agrees::<u64>(&calls);
    }

    #[test]
    fn a_set_of_strings_agrees(calls in calls()) {
        agrees::<String>(&calls);
    }

    #[test]
    fn a_set_of_keys_without_hints_agrees(calls in calls()) {
        agrees::<Opaque>(&calls);
    }
}
