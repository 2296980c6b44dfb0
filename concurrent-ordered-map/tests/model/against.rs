//! The map against `BTreeMap`, call by call. For `map.rs`, and for the fuzzer (`fuzz/`).

use std::collections::BTreeMap;
use std::ops::Bound;

use concurrent_ordered_map::{
    Compute, Computed, ConcurrentOrderedMap, OwnedIter, Pinned, Snapshot, Tally,
};

use super::call::{Call, NUMBERS, drawn, key_bound, within};
use super::keys::Key;

type Model<K> = BTreeMap<K, u32>;

/// The model's entries within bounds.
fn entries<'m, K: Key>(
    model: &'m Model<K>,
    from: &Bound<K>,
    to: &Bound<K>,
) -> impl DoubleEndedIterator<Item = (&'m K, &'m u32)> {
    let (from, to) = (from.clone(), to.clone());
    model.iter().filter(move |(key, _)| within(*key, &from, &to))
}

fn owned<K: Key>(entry: (&K, &u32)) -> (K, u32) {
    (entry.0.clone(), *entry.1)
}

/// A call that changes nothing.
fn read<K: Key>(map: &ConcurrentOrderedMap<K, u32>, model: &Model<K>, call: &Call) {
    let session = map.pin();
    let all = Bound::Unbounded;
    match call {
        Call::Read(n) => {
            let key = K::of(*n);
            assert_eq!(session.get(&key), model.get(&key));
            assert_eq!(session.get_key_value(&key), model.get_key_value(&key));
            assert_eq!(session.contains_key(&key), model.contains_key(&key));
            assert_eq!(map.get(&key), model.get(&key).copied());
        }
        Call::Ends => {
            assert_eq!(session.first(), model.first_key_value());
            assert_eq!(session.last(), model.last_key_value());
            assert_eq!(session.is_empty(), model.is_empty());
            assert_eq!(map.first(), model.first_key_value().map(owned));
            assert_eq!(map.last(), model.last_key_value().map(owned));
        }
        Call::LowerBound(from) => {
            let from = key_bound::<K>(*from);
            let expected = entries(model, &from, &all).next();
            assert_eq!(session.lower_bound(from.as_ref()), expected);
            assert_eq!(map.lower_bound(from.as_ref()), expected.map(owned));
        }
        Call::UpperBound(to) => {
            let to = key_bound::<K>(*to);
            let expected = entries(model, &all, &to).next_back();
            assert_eq!(session.upper_bound(to.as_ref()), expected);
            assert_eq!(map.upper_bound(to.as_ref()), expected.map(owned));
        }
        Call::Iter(ends) => {
            assert_eq!(drawn(session.iter(), ends), drawn(model.iter(), ends));
            assert_eq!(drawn(session.keys(), ends), drawn(model.keys(), ends));
            assert_eq!(drawn(session.values(), ends), drawn(model.values(), ends));
        }
        Call::Range(from, to, ends) => {
            let (from, to) = (key_bound::<K>(*from), key_bound::<K>(*to));
            let range = session.range::<K, _>((from.as_ref(), to.as_ref()));
            assert_eq!(drawn(range, ends), drawn(entries(model, &from, &to), ends));
        }
        Call::Owned(from, to, ends) => {
            let (from, to) = (key_bound::<K>(*from), key_bound::<K>(*to));
            let expected = drawn(entries(model, &from, &to).map(owned), ends);
            assert_eq!(drawn(map.range((from.as_ref(), to.as_ref())), ends), expected);
            assert_eq!(drawn(OwnedIter::within(map, (from, to)), ends), expected);
            let keys = drawn(model.keys().cloned(), ends);
            assert_eq!(drawn(map.keys(), ends), keys);
            assert_eq!(drawn(map.values(), ends), drawn(model.values().copied(), ends));
            assert_eq!(drawn(map.iter(), ends), drawn(model.iter().map(owned), ends));
        }
        Call::Copy => {
            let copy = map.clone();
            assert!(copy == *map);
            assert_eq!(format!("{copy:?}"), format!("{model:?}"));
            assert!(copy.into_iter().eq(model.iter().map(owned)));
        }
        _ => unreachable!("{call:?} is not a read"),
    }
}

/// A call that writes a key whatever it has.
fn write<K: Key>(session: &Pinned<'_, K, u32>, model: &mut Model<K>, call: &Call) {
    match *call {
        Call::Insert(n, v) => {
            assert_eq!(session.insert(K::of(n), v).copied(), model.insert(K::of(n), v));
        }
        Call::TryInsert(n, v) => {
            let expected = model.get(&K::of(n)).copied();
            match session.try_insert(K::of(n), v) {
                Ok(now) => assert_eq!((expected, *now), (None, v)),
                Err(refused) => assert_eq!((Some(*refused.current), refused.value), (expected, v)),
            }
            model.entry(K::of(n)).or_insert(v);
        }
        Call::GetOrInsert(n, v) => {
            assert_eq!(*session.get_or_insert(K::of(n), v), *model.entry(K::of(n)).or_insert(v));
        }
        Call::GetOrInsertWith(n, v) => {
            let there = model.contains_key(&K::of(n));
            let mut runs = 0;
            let now = session.get_or_insert_with(K::of(n), || {
                runs += 1;
                v
            });
            assert_eq!(*now, *model.entry(K::of(n)).or_insert(v));
            assert_eq!(runs, u32::from(!there));
        }
        Call::Remove(n) => {
            assert_eq!(session.remove(&K::of(n)).copied(), model.remove(&K::of(n)));
        }
        Call::RemoveEntry(n) => {
            let removed = session.remove_entry(&K::of(n)).map(owned);
            assert_eq!(removed, model.remove_entry(&K::of(n)));
        }
        Call::RemoveIf(n, v) => {
            let expected = model.get(&K::of(n)).is_some_and(|value| *value > v);
            let removed = session.remove_if(&K::of(n), |key, value| *key == K::of(n) && *value > v);
            assert_eq!(removed.is_some(), expected);
            if expected {
                assert_eq!(removed.map(owned), model.remove_entry(&K::of(n)));
            }
        }
        Call::PopFirst => assert_eq!(session.pop_first().map(owned), model.pop_first()),
        Call::PopLast => assert_eq!(session.pop_last().map(owned), model.pop_last()),
        _ => update(session, model, call),
    }
}

/// A call that writes what depends on what is there.
fn update<K: Key>(session: &Pinned<'_, K, u32>, model: &mut Model<K>, call: &Call) {
    match *call {
        Call::Update(n, v) => {
            let now = session.update(K::of(n), |old| old * 2 + v).copied();
            let expected = model.get_mut(&K::of(n)).map(|value| {
                *value = *value * 2 + v;
                *value
            });
            assert_eq!(now, expected);
        }
        Call::TryUpdate(n, v) => {
            let now = session.try_update(K::of(n), |old| old.checked_sub(v).ok_or(*old));
            match model.get_mut(&K::of(n)) {
                None => assert_eq!(now, Ok(None)),
                Some(value) if *value < v => assert_eq!(now, Err(*value)),
                Some(value) => {
                    *value -= v;
                    assert_eq!(now, Ok(Some(&*value)));
                }
            }
        }
        Call::Upsert(n, v) => {
            let now = *session.upsert(K::of(n), v, |old| old + 1);
            assert_eq!(now, *model.entry(K::of(n)).and_modify(|value| *value += 1).or_insert(v));
        }
        Call::UpsertWith(n, v) => {
            let now = *session.upsert_with(K::of(n), || v, |old| old + 1);
            assert_eq!(now, *model.entry(K::of(n)).and_modify(|value| *value += 1).or_insert(v));
        }
        Call::Compute(n, v) => compute(session, model, &K::of(n), v),
        Call::CompareExchange(n, current, new) => exchange(session, model, &K::of(n), current, new),
        Call::Exchange(n, new) => {
            let current = model.get(&K::of(n)).copied();
            exchange(session, model, &K::of(n), current, new);
        }
        _ => many_keys(session, model, call),
    }
}

fn compute<K: Key>(session: &Pinned<'_, K, u32>, model: &mut Model<K>, key: &K, v: u32) {
    let computed = session.compute(key.clone(), |old| match v % 3 {
        0 => Compute::Insert(old.map_or(v, |old| old + v)),
        1 => Compute::Remove,
        _ => Compute::Abort(old.copied()),
    });
    let old = model.get(key).copied();
    let new = old.map_or(v, |old| old + v);
    let expected = match (v % 3, &old) {
        (0, None) => Computed::Inserted(&new),
        (0, Some(old)) => Computed::Updated { old, new: &new },
        (1, old) => Computed::Removed(old.as_ref()),
        _ => Computed::Aborted(old),
    };
    assert_eq!(computed, expected);
    match v % 3 {
        0 => _ = model.insert(key.clone(), new),
        1 => _ = model.remove(key),
        _ => {}
    }
}

fn exchange<K: Key>(
    session: &Pinned<'_, K, u32>,
    model: &mut Model<K>,
    key: &K,
    current: Option<u32>,
    new: Option<u32>,
) {
    let old = model.get(key).copied();
    match session.compare_exchange(key.clone(), current.as_ref(), new) {
        Ok(was) => {
            assert_eq!((was.copied(), old), (current, current));
            match new {
                Some(new) => _ = model.insert(key.clone(), new),
                None => _ = model.remove(key),
            }
        }
        Err(refused) => {
            assert_ne!(old, current);
            assert_eq!((refused.actual.copied(), refused.new), (old, new));
        }
    }
}

/// A call that writes many keys.
fn many_keys<K: Key>(session: &Pinned<'_, K, u32>, model: &mut Model<K>, call: &Call) {
    match call {
        Call::Clear => {
            session.clear();
            model.clear();
        }
        Call::Retain(modulus) => {
            let mut asked = Vec::new();
            session.retain(|key, value| {
                asked.push(key.clone());
                !value.is_multiple_of(*modulus)
            });
            assert!(asked.iter().eq(model.keys()), "every key is asked for once, in order");
            model.retain(|_, value| !value.is_multiple_of(*modulus));
        }
        Call::RemoveRange(from, to) => {
            let (from, to) = (key_bound::<K>(*from), key_bound::<K>(*to));
            let removed = session.remove_range::<K, _>((from.as_ref(), to.as_ref()));
            let before = model.len();
            model.retain(|key, _| !within(key, &from, &to));
            assert_eq!(removed, before - model.len());
        }
        Call::Extend(entries) => {
            let entries = || entries.iter().map(|(n, v)| (K::of(*n), *v));
            session.extend(entries());
            model.extend(entries());
        }
        Call::Apply(writes) => apply(session, model, writes),
        _ => unreachable!("{call:?} writes nothing"),
    }
}

fn apply<K: Key>(
    session: &Pinned<'_, K, u32>,
    model: &mut Model<K>,
    writes: &[(u32, Option<u32>)],
) {
    let writes = || writes.iter().map(|(n, v)| (K::of(*n), *v));
    let applied = session.apply(writes().collect());
    let before = model.clone();
    let mut tally = Tally::default();
    let mut displaced = Model::new();
    for (key, value) in writes().collect::<BTreeMap<_, _>>() {
        let was = before.get(&key);
        displaced.extend(was.map(|was| (key.clone(), *was)));
        match value {
            Some(value) => {
                tally.inserted += usize::from(was.is_none());
                tally.replaced += usize::from(was.is_some());
                model.insert(key, value);
            }
            None => tally.removed += usize::from(model.remove(&key).is_some()),
        }
    }
    assert_eq!(applied.tally(), tally);
    assert!(applied.displaced().eq(&displaced), "{applied:?}, not {displaced:?}");
}

/// Snapshots that are alive at a time.
const SNAPSHOTS: usize = 3;

/// Snapshots, each with the model as it was then.
type Taken<'m, K> = Vec<(Snapshot<'m, K, u32>, Model<K>)>;

/// Everything that a snapshot can be asked is as the model says.
pub(crate) fn snapshot_agrees<K: Key>(
    snapshot: &Snapshot<'_, K, u32>,
    model: &Model<K>,
    (from, to): (&Bound<K>, &Bound<K>),
    ends: &[bool],
) {
    let all = Bound::Unbounded;
    assert_eq!(drawn(snapshot.iter(), ends), drawn(model.iter(), ends));
    assert!(snapshot.keys().eq(model.keys()) && snapshot.values().rev().eq(model.values().rev()));
    assert_eq!((snapshot.len(), snapshot.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(snapshot.first(), model.first_key_value());
    assert_eq!(snapshot.last(), model.last_key_value());
    for number in 0..NUMBERS {
        let key = K::of(number);
        assert_eq!(snapshot.get(&key), model.get(&key));
        assert_eq!(snapshot.get_key_value(&key), model.get_key_value(&key));
        assert_eq!(snapshot.contains_key(&key), model.contains_key(&key));
    }
    let range = snapshot.range::<K, _>((from.as_ref(), to.as_ref()));
    assert_eq!(drawn(range, ends), drawn(entries(model, from, to), ends));
    assert_eq!(snapshot.lower_bound(from.as_ref()), entries(model, from, &all).next());
    assert_eq!(snapshot.upper_bound(to.as_ref()), entries(model, &all, to).next_back());
}

/// A call that has to do with snapshots.
fn snapshots<'m, K: Key>(
    map: &'m ConcurrentOrderedMap<K, u32>,
    model: &Model<K>,
    taken: &mut Taken<'m, K>,
    call: &Call,
) {
    let chosen = |n: u32, taken: &Taken<'m, K>| {
        (!taken.is_empty()).then(|| usize::try_from(n).expect("small") % taken.len())
    };
    match call {
        Call::Snapshot => {
            taken.push((map.snapshot(), model.clone()));
            if taken.len() > SNAPSHOTS {
                taken.remove(0);
            }
        }
        Call::EndSnapshot(n) => _ = chosen(*n, taken).map(|index| taken.swap_remove(index)),
        Call::Look(n, from, to, ends) => {
            let Some((snapshot, model)) = chosen(*n, taken).map(|index| &taken[index]) else {
                return;
            };
            let (from, to) = (key_bound::<K>(*from), key_bound::<K>(*to));
            snapshot_agrees(snapshot, model, (&from, &to), ends);
        }
        _ => unreachable!("{call:?} has nothing to do with snapshots"),
    }
}

/// Makes the calls on a new, empty map and on a `BTreeMap`, and compares what they answer.
pub(crate) fn agrees<K: Key>(map: &ConcurrentOrderedMap<K, u32>, calls: &[Call]) {
    let mut model = Model::<K>::new();
    let mut taken = Taken::new();
    for call in calls {
        match call {
            Call::Read(_)
            | Call::Ends
            | Call::LowerBound(_)
            | Call::UpperBound(_)
            | Call::Iter(_)
            | Call::Range(..)
            | Call::Owned(..)
            | Call::Copy => read(map, &model, call),
            Call::Snapshot | Call::EndSnapshot(_) | Call::Look(..) => {
                snapshots(map, &model, &mut taken, call);
            }
            _ => write(&map.pin(), &mut model, call),
        }
        assert_eq!(map.len(), model.len(), "after {call:?}");
    }
    for (snapshot, model) in &taken {
        snapshot_agrees(snapshot, model, (&Bound::Unbounded, &Bound::Unbounded), &[true]);
    }
    assert!(map.pin().iter().eq(&model));
    assert!(map.pin().iter().rev().eq(model.iter().rev()));
}
