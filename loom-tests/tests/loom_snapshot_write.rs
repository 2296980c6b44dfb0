//! A snapshot is of one moment, and in order with reads and writes, while those that were under way when it
//! was taken go on. Bounds: 1 and 2 preemptions.
#![cfg(com_loom)]

use loom_tests::{Map, explore};

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

/// Overwrites a key in each of the two leaves, and so replaces the one that is full.
fn overwrite_two(map: &Map) -> Vec<(u32, u32)> {
    map.pin().insert(1, 11);
    map.pin().insert(3, 31);
    vec![]
}

#[test]
fn two_overwritten_in_turn() {
    // The leaves hold 1 | 2 3.
    explore(2, &[1, 2, 3], &[overwrite_two, scan], |answers, _| {
        let (one, three) = (answers[1][0].1, answers[1][2].1);
        assert!(matches!((one, three), (10 | 11, 30) | (11, 31)), "torn: {answers:?}");
    });
}

/// Reads a key as it is after a snapshot was taken, and as the snapshot has it.
fn read_and_look(map: &Map) -> Vec<(u32, u32)> {
    let snapshot = map.snapshot();
    let now = *map.pin().get(&1).expect("always there");
    let then = *snapshot.get(&1).expect("always there");
    vec![(then, now)]
}

fn overwrite_one(map: &Map) -> Vec<(u32, u32)> {
    map.pin().insert(1, 11);
    vec![]
}

fn check_order(answers: &[Vec<(u32, u32)>], _: &Map) {
    let (then, now) = answers[1][0];
    assert!(
        then <= now,
        "what was read after the snapshot is older than the snapshot: {answers:?}"
    );
}

#[test]
fn a_read_after_a_snapshot() {
    explore(2, &[1], &[overwrite_one, read_and_look], check_order);
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

#[test]
fn two_snapshots_that_end_while_a_leaf_is_archived() {
    explore(
        1,
        &[1, 2],
        &[overwrite_one, |map| {
            let first = map.snapshot();
            let early = *first.get(&1).expect("always there");
            let second = map.snapshot();
            drop(first);
            let late = *second.get(&1).expect("always there");
            vec![(early, late)]
        }],
        check_order,
    );
}
