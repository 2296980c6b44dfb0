//! A snapshot is of one moment, and in order with reads and writes, while those that were under way when it
//! was taken go on. Bounds: 1 and 2 preemptions.
#![cfg(com_loom)]

use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound::Excluded;
use std::sync::{Arc, Mutex};

use concurrent_ordered_map::{ConcurrentOrderedMap, Snapshot, end_of_model};
use loom_tests::{
    Map, MapOf, Number, entries, explore, explore_from, filled, get, of_numbers_and_entries, put,
    two_sparse_leaves,
};

/// What a snapshot shows, read twice.
fn scan(map: &Map) -> Vec<(u32, u32)> {
    let snapshot = map.snapshot();
    let backwards: Vec<_> = snapshot.iter().rev().map(|(key, value)| (*key, *value)).collect();
    let mut forwards: Vec<_> = snapshot.iter().map(|(key, value)| (*key, *value)).collect();
    forwards.reverse();
    assert_eq!(forwards, backwards, "a snapshot has changed");
    forwards.reverse();
    forwards
}

/// Two keys of different leaves, as a snapshot shows them.
fn look_at_two(map: &Map) -> Vec<(u32, u32)> {
    let snapshot = map.snapshot();
    let one = *snapshot.get(&1).expect("always there");
    vec![(one, *snapshot.get(&3).expect("always there"))]
}

/// Overwrites a key in each of the two leaves, and so replaces the one that is full.
fn overwrite_two(map: &Map) -> Vec<(u32, u32)> {
    map.pin().insert(1, 11);
    map.pin().insert(3, 31);
    vec![]
}

#[test]
fn two_overwritten_in_turn() {
    explore_from(2, two_sparse_leaves, &[overwrite_two, look_at_two], |answers, _| {
        assert!(matches!(answers[1][0], (10 | 11, 30) | (11, 31)), "torn: {answers:?}");
    });
}

/// Reads a key as it is after a snapshot was taken, and as the snapshot has it.
fn read_and_look<V: Number>(map: &MapOf<u32, V>) -> Vec<(u32, u32)> {
    let snapshot = map.snapshot();
    let now = get(map, 1).expect("always there");
    let then = *snapshot.get(&1).expect("always there");
    vec![(then.into(), now)]
}

fn overwrite_one<V: Number>(map: &MapOf<u32, V>) -> Vec<(u32, u32)> {
    put(map, 1, 11);
    vec![]
}

fn check_order<V: Number>(answers: &[Vec<(u32, u32)>], _: &MapOf<u32, V>) {
    let (then, now) = answers[1][0];
    assert!(
        then <= now,
        "what was read after the snapshot is older than the snapshot: {answers:?}"
    );
}

fn a_read_after_a_snapshot<V: Number>() {
    explore_from(2, || filled::<u32, V>(2, &[1]), &[overwrite_one, read_and_look], check_order);
}

/// A write that was under way when the snapshot was taken is in it from the first look on, or not at all.
fn two_looks_beside_an_old_write<V: Number>() {
    fn look_twice<V: Number>(map: &MapOf<u32, V>) -> Vec<(u32, u32)> {
        let snapshot = map.snapshot();
        let [first, second] = [(); 2].map(|()| *snapshot.get(&1).expect("always there"));
        vec![(first.into(), second.into())]
    }
    explore_from(
        2,
        || filled::<u32, V>(2, &[1]),
        &[look_twice, overwrite_one],
        |answers, _| {
            let (first, second) = answers[0][0];
            assert_eq!(first, second, "a snapshot has changed");
        },
    );
}

/// As above, but the writer runs first, and so is at rest amid its write when the snapshot is taken and the
/// read begins. It ends the grace period, and what it has written is to be seen by the read, which takes the
/// snapshot for settled. The pins carry nothing from one to the other: the read's came before.
#[test]
fn a_read_when_the_writer_ends_the_grace_period() {
    explore(2, &[1], &[read_and_look, overwrite_one], |answers, map| {
        check_order(&[vec![], answers[0].clone()], map);
    });
}

#[test]
fn a_walk_after_a_snapshot() {
    fn walk_and_look(map: &Map) -> Vec<(u32, u32)> {
        let snapshot = map.snapshot();
        let now = *map.pin().values().next().expect("always there");
        let then = *snapshot.get(&1).expect("always there");
        vec![(then, now)]
    }
    explore(2, &[1], &[overwrite_one, walk_and_look], check_order);
}

/// The first entry as it is after a snapshot, and as the snapshot has it.
fn first_and_look(map: &Map) -> Vec<(u32, u32)> {
    let snapshot = map.snapshot();
    let now = map.pin().first().map_or(9, |(key, _)| *key);
    let then = snapshot.first().map_or(9, |(key, _)| *key);
    vec![(then, now)]
}

fn pop_first(map: &Map) -> Vec<(u32, u32)> {
    map.pin().pop_first();
    vec![]
}

#[test]
fn a_pop_beside_a_snapshot() {
    explore(1, &[1, 2], &[pop_first, first_and_look], check_order);
}

fn insert_one(map: &Map) -> Vec<(u32, u32)> {
    map.pin().insert(1, 10);
    vec![]
}

#[test]
fn an_insertion_beside_a_snapshot() {
    explore(2, &[2], &[insert_one, first_and_look], |answers, _| {
        let (then, now) = answers[1][0];
        assert!(now <= then, "an entry of the snapshot is not there after it: {answers:?}");
    });
}

/// Writes 1, removes 2 (whose leaf is absorbed), writes 4.
fn write_remove_write(map: &Map) -> Vec<(u32, u32)> {
    map.pin().insert(1, 11);
    map.pin().remove(&2);
    map.pin().insert(4, 41);
    vec![]
}

#[test]
fn leaves_are_joined_beside_a_snapshot() {
    // The leaves hold 1 | 2 | 3 4.
    explore(1, &[1, 2, 3, 4], &[write_remove_write, scan], |answers, _| {
        let seen = &answers[1][..];
        let states: [&[(u32, u32)]; 4] = [
            &[(1, 10), (2, 20), (3, 30), (4, 40)],
            &[(1, 11), (2, 20), (3, 30), (4, 40)],
            &[(1, 11), (3, 30), (4, 40)],
            &[(1, 11), (3, 30), (4, 41)],
        ];
        assert!(states.contains(&seen), "torn: {seen:?}");
    });
}

fn two_snapshots_that_end_while_a_leaf_is_archived<V: Number>() {
    explore_from(
        1,
        || filled::<u32, V>(2, &[1, 2]),
        &[overwrite_one, |map: &MapOf<u32, V>| {
            let first = map.snapshot();
            let early = *first.get(&1).expect("always there");
            let second = map.snapshot();
            drop(first);
            let late = *second.get(&1).expect("always there");
            vec![(early.into(), late.into())]
        }],
        check_order,
    );
}

of_numbers_and_entries!(
    a_read_after_a_snapshot,
    two_looks_beside_an_old_write,
    two_snapshots_that_end_while_a_leaf_is_archived
);

/// A leaf that a snapshot means to copy may have been frozen, and be replaced, by a call that did not know of the
/// snapshot: then what replaces it is the snapshot's, and not what the leaf held.
#[test]
fn a_copy_beside_an_old_split() {
    type Look = Option<(Snapshot<'static, u32, u32>, bool)>;
    fn look(map: &Arc<Map>) -> Look {
        let snapshot = Snapshot::of(Arc::clone(map));
        let found = snapshot.contains_key(&4);
        Some((snapshot, found))
    }
    fn split(map: &Arc<Map>) -> Look {
        put(map, 4, 40);
        None
    }
    explore_from(
        2,
        || Arc::new(filled(2, &[1, 3])),
        &[look, split],
        |answers, map| {
            // Archives what is not the snapshot's own by now.
            put(map, 3, 31);
            let (snapshot, found) = answers[0].as_ref().expect("it looked");
            assert_eq!(snapshot.contains_key(&4), *found, "a snapshot has changed");
            assert_eq!(entries(map), [(1, 10), (3, 31), (4, 40)]);
        },
    );
}

/// A key that does something when it is first compared with the key `at`: what other threads do meanwhile. So
/// it fixes one schedule of three threads, which are too many for a model of all their schedules.
struct Meanwhile {
    n: u32,
    at: u32,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Meanwhile {
    fn nothing(n: u32) -> Self {
        Self { n, at: 0, act: Mutex::new(None) }
    }

    fn at(n: u32, at: u32, act: impl FnOnce() + Send + 'static) -> Self {
        Self { n, at, act: Mutex::new(Some(Box::new(act))) }
    }

    fn compared_with(&self, other: &Self) {
        let due = |act: &mut Option<_>| if self.at == other.n { act.take() } else { None };
        let act = due(&mut self.act.lock().expect("nothing panics here"));
        if let Some(act) = act {
            act();
        }
    }
}

impl Ord for Meanwhile {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compared_with(other);
        other.compared_with(self);
        self.n.cmp(&other.n)
    }
}

impl PartialOrd for Meanwhile {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Meanwhile {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Meanwhile {}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.n.fmt(f)
    }
}

/// An insertion of 2 finds its leaf and rests. A search for what follows 1 finds nothing in that leaf and rests.
/// A snapshot is taken, and 3 is overwritten. The search goes on, then the insertion.
#[test]
fn a_search_across_a_snapshot_beside_an_old_insertion() {
    let mut model = loom::model::Builder::new();
    model.max_branches = 20_000;
    model.check(|| {
        type Map = ConcurrentOrderedMap<Meanwhile, u32>;
        let map: Arc<Map> = Arc::new(ConcurrentOrderedMap::with_block_slots(2, 40));
        // The leaves hold 1 | 3 4.
        map.extend([(1, 10), (3, 30), (4, 40)].map(|(n, value)| (Meanwhile::nothing(n), value)));
        let taken: Arc<Mutex<Option<Snapshot<'static, Meanwhile, u32>>>> = Arc::default();
        let found = Arc::new(Mutex::new(None));
        let snapshot = {
            let (map, taken) = (Arc::clone(&map), Arc::clone(&taken));
            move || {
                *taken.lock().expect("alone") = Some(Snapshot::of(Arc::clone(&map)));
                map.set(Meanwhile::nothing(3), 31);
            }
        };
        let search = {
            let (map, found) = (Arc::clone(&map), Arc::clone(&found));
            move || {
                let bound = Meanwhile::at(1, 1, snapshot);
                let next =
                    map.pin().lower_bound(Excluded(&bound)).map(|(key, value)| (key.n, *value));
                *found.lock().expect("alone") = next;
            }
        };
        map.set(Meanwhile::at(2, 1, search), 20);
        let snapshot = taken.lock().expect("alone").take().expect("it was taken");
        let found = found.lock().expect("alone").take();
        assert_eq!(found, Some((3, 31)), "the schedule is another one");
        assert!(
            !snapshot.contains_key(&Meanwhile::nothing(2)),
            "{found:?} came after the snapshot and was found, and 2 is in the snapshot and was not"
        );
        drop(snapshot);
        drop(Arc::try_unwrap(map).expect("nobody else has it"));
        end_of_model();
    });
}
