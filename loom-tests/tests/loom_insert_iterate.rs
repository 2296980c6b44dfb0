//! Iteration meets every key that is present throughout, once and in order, while leaves split and
//! are absorbed. Bound: 2 preemptions.
#![cfg(com_loom)]

use loom_tests::{Map, explore};

fn forwards(map: &Map) -> Vec<u32> {
    map.pin().iter().map(|(key, _)| *key).collect()
}

fn backwards(map: &Map) -> Vec<u32> {
    let mut keys: Vec<u32> = map.pin().iter().rev().map(|(key, _)| *key).collect();
    keys.reverse();
    keys
}

fn insert_two(map: &Map) -> Vec<u32> {
    map.pin().insert(2, 20);
    vec![]
}

fn check_split(answers: &[Vec<u32>], _: &Map) {
    assert!(matches!(answers[1][..], [1, 3] | [1, 2, 3]), "{answers:?}");
}

#[test]
fn forwards_through_a_split() {
    explore(2, &[1, 3], &[insert_two, forwards], check_split);
}

#[test]
fn backwards_through_a_split() {
    explore(2, &[1, 3], &[insert_two, backwards], check_split);
}

#[test]
fn forwards_past_a_leaf_that_splits() {
    // The leaves hold 1 | 2 3, and the first one's neighbour is replaced.
    explore(
        2,
        &[1, 2, 3],
        &[
            |map| {
                map.pin().insert(4, 40);
                vec![]
            },
            forwards,
        ],
        |answers, _| {
            assert!(matches!(answers[1][..], [1, 2, 3] | [1, 2, 3, 4]), "{answers:?}");
        },
    );
}

fn remove_two(map: &Map) -> Vec<u32> {
    map.pin().remove(&2);
    vec![]
}

fn check_absorbed(answers: &[Vec<u32>], _: &Map) {
    // The leaves hold 1 | 2 | 3 4, and the one of 2 is absorbed.
    assert!(matches!(answers[1][..], [1, 3, 4] | [1, 2, 3, 4]), "{answers:?}");
}

#[test]
fn forwards_through_an_absorption() {
    explore(2, &[1, 2, 3, 4], &[remove_two, forwards], check_absorbed);
}

#[test]
fn backwards_through_an_absorption() {
    explore(2, &[1, 2, 3, 4], &[remove_two, backwards], check_absorbed);
}
