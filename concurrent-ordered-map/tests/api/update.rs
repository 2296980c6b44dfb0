use std::cell::RefCell;
use std::sync::Arc;

use concurrent_ordered_map::{CompareExchangeError, Compute, Computed};

use crate::{evens, tiny};

#[test]
fn update_replaces_what_is_there() {
    let map = evens(50);
    let session = map.pin();
    assert_eq!(session.update(10, |value| value + 1), Some(&101));
    assert_eq!(session.update(11, |_| unreachable!()), None);
    assert_eq!(map.update(10, |value| value + 1), Some(102));
    assert_eq!((map.get(&10), map.get(&11), map.len()), (Some(102), None, 50));
}

#[test]
fn an_update_overtaken_runs_again_with_the_newer_value() {
    let map = tiny([(1, 10)]);
    let session = map.pin();
    let mut seen = Vec::new();
    let updated = session.update(1, |value| {
        seen.push(*value);
        if *value < 12 {
            session.insert(1, value + 1);
        }
        value * 100
    });
    assert_eq!(updated, Some(&1_200));
    assert_eq!(seen, [10, 11, 12]);

    // Removed under way: there is nothing to update.
    let updated = session.update(1, |value| {
        session.remove(&1);
        *value
    });
    assert_eq!(updated, None);
    assert_eq!(map.get(&1), None);
}

#[test]
fn a_failed_update_changes_nothing() {
    let map = tiny([(1, 10_u32)]);
    let session = map.pin();
    let minus = |amount| move |value: &u32| value.checked_sub(amount).ok_or(*value);
    assert_eq!(session.try_update(1, minus(4)), Ok(Some(&6)));
    assert_eq!(session.try_update(1, minus(7)), Err(6));
    assert_eq!(session.try_update(2, minus(1)), Ok(None));
    assert_eq!(map.try_update(1, minus(7)), Err(6));
    assert_eq!(map.try_update(1, minus(6)), Ok(Some(0)));

    // Fails on the second attempt, after the first has proposed a value.
    let failed = session.try_update(1, |value| {
        if *value == 0 {
            session.insert(1, 3);
            return Ok(77);
        }
        Err(*value)
    });
    assert_eq!(failed, Err(3));
    assert_eq!(map.get(&1), Some(3));
}

#[test]
fn upsert_inserts_or_updates() {
    let map = tiny([]);
    let session = map.pin();
    assert_eq!(session.upsert(1, 1, |_| unreachable!()), &1);
    assert_eq!(session.upsert(1, 1, |value| value + 1), &2);
    assert_eq!(session.upsert_with(1, || unreachable!(), |value| value + 1), &3);
    assert_eq!(session.upsert_with(2, || 7, |_| unreachable!()), &7);
    assert_eq!(map.upsert(1, 1, |value| value + 1), 4);
    assert_eq!(map.upsert_with(3, || 9, |_| unreachable!()), 9);
}

#[test]
fn upsert_makes_its_value_once_whatever_others_do() {
    let map = tiny([]);
    let session = map.pin();
    let mut made = 0;
    // Absent; inserted under way; removed under way; inserted near by; at last absent.
    let mut updates = 0;
    let value = session.upsert_with(
        1,
        || {
            made += 1;
            session.insert(1, "other".to_string());
            "mine".to_string()
        },
        |other| {
            updates += 1;
            assert_eq!(other, "other");
            session.remove(&1);
            session.insert(2, "neighbour".to_string());
            "updated".to_string()
        },
    );
    assert_eq!(value, "mine");
    assert_eq!((made, updates), (1, 1));
}

#[test]
fn compute_inserts_updates_removes_and_aborts() {
    let map = tiny([]);
    let session = map.pin();
    let step = |value: Option<&u32>| match value {
        None => Compute::Insert(1),
        Some(3) => Compute::Remove,
        Some(9) => Compute::Abort("nine"),
        Some(value) => Compute::Insert(value + 1),
    };
    assert_eq!(session.compute(1, step), Computed::Inserted(&1));
    assert_eq!(session.compute(1, step), Computed::Updated { old: &1, new: &2 });
    assert_eq!(map.compute(1, step), Computed::Updated { old: 2, new: 3 });
    assert_eq!(map.compute(1, step), Computed::Removed(Some(3)));
    assert_eq!(map.len(), 0);
    map.set(1, 9);
    assert_eq!(session.compute(1, step), Computed::Aborted("nine"));
    assert_eq!(session.compute(2, |_| Compute::<_, ()>::Remove), Computed::Removed(None));
    assert_eq!(session.compute(2, |_| Compute::Abort(())), Computed::Aborted(()));
    assert_eq!((map.get(&1), map.len()), (Some(9), 1));
}

#[test]
fn a_computation_overtaken_decides_anew() {
    let map = tiny([(1, 1)]);
    let session = map.pin();
    let mut seen = Vec::new();
    let computed = session.compute(1, |value| {
        seen.push(value.copied());
        match seen.len() {
            1 => {
                session.remove(&1);
                Compute::Insert(100)
            }
            2 => {
                session.insert(1, 5);
                Compute::Insert(200)
            }
            3 => {
                session.insert(1, 6);
                Compute::Remove
            }
            _ => Compute::Abort(*value.unwrap()),
        }
    });
    assert_eq!(computed, Computed::Aborted(6));
    assert_eq!(seen, [Some(1), None, Some(5), Some(6)]);
    assert_eq!(map.get(&1), Some(6));
}

#[test]
fn what_was_computed_can_be_taken_apart() {
    let updated: Computed<u32, ()> = Computed::Updated { old: 1, new: 2 };
    assert_eq!((updated.old_value(), updated.new_value()), (Some(1), Some(2)));
    assert_eq!(updated.map(|value| value * 10), Computed::Updated { old: 10, new: 20 });
    let inserted: Computed<u32, ()> = Computed::Inserted(3);
    assert_eq!((inserted.old_value(), inserted.new_value()), (None, Some(3)));
    assert_eq!(inserted.map(|value| value * 10), Computed::Inserted(30));
    let removed: Computed<u32, ()> = Computed::Removed(Some(4));
    assert_eq!((removed.old_value(), removed.new_value()), (Some(4), None));
    assert_eq!(removed.map(|value| value * 10), Computed::Removed(Some(40)));
    let aborted: Computed<u32, &str> = Computed::Aborted("no");
    assert_eq!((aborted.old_value(), aborted.new_value()), (None, None));
    assert_eq!(aborted.map(|value| value * 10), Computed::Aborted("no"));
}

#[test]
fn compare_exchange_does_all_that_its_table_says() {
    let map = tiny([]);
    let session = map.pin();
    let refused = |actual, new| Err(CompareExchangeError { actual, new });
    assert_eq!(session.compare_exchange(1, None, None), Ok(None));
    assert_eq!(session.compare_exchange(1, Some(&'a'), Some('b')), refused(None, Some('b')));
    assert_eq!(session.compare_exchange(1, Some(&'a'), None), refused(None, None));
    assert_eq!(map.len(), 0);
    assert_eq!(session.compare_exchange(1, None, Some('a')), Ok(None));
    assert_eq!(session.compare_exchange(1, None, Some('b')), refused(Some(&'a'), Some('b')));
    assert_eq!(session.compare_exchange(1, None, None), refused(Some(&'a'), None));
    assert_eq!(session.compare_exchange(1, Some(&'b'), Some('c')), refused(Some(&'a'), Some('c')));
    assert_eq!(session.compare_exchange(1, Some(&'b'), None), refused(Some(&'a'), None));
    assert_eq!(session.compare_exchange(1, Some(&'a'), Some('b')), Ok(Some(&'a')));
    assert_eq!(session.compare_exchange(1, Some(&'b'), None), Ok(Some(&'b')));
    assert_eq!(map.len(), 0);
    assert_eq!(map.compare_exchange(1, None, Some('x')), Ok(None));
    let refused = map.compare_exchange(1, Some(&'y'), Some('z')).unwrap_err();
    assert_eq!((refused.actual, refused.new), (Some('x'), Some('z')));
}

thread_local!(static MEDDLE: RefCell<Option<Box<dyn FnOnce()>>> = RefCell::default());

/// Runs what is in `MEDDLE`, once, while it is compared.
#[derive(Debug)]
struct Meddled(u32);

impl PartialEq for Meddled {
    fn eq(&self, other: &Self) -> bool {
        if let Some(meddle) = MEDDLE.take() {
            meddle();
        }
        self.0 == other.0
    }
}

#[test]
fn an_exchange_overtaken_compares_anew_and_gives_the_value_back() {
    let map = Arc::new(tiny([(1, Meddled(1))]));
    let session = map.pin();
    let meddle = |value| {
        let map = Arc::clone(&map);
        MEDDLE.set(Some(Box::new(move || assert!(map.set(1, Meddled(value))))));
    };
    meddle(2);
    let refused = session.compare_exchange(1, Some(&Meddled(1)), Some(Meddled(9))).unwrap_err();
    assert_eq!((refused.actual, refused.new), (Some(&Meddled(2)), Some(Meddled(9))));
    // Replaced by an equal value.
    meddle(2);
    let exchanged = session.compare_exchange(1, Some(&Meddled(2)), Some(Meddled(3)));
    assert_eq!(exchanged, Ok(Some(&Meddled(2))));
    assert_eq!(session.get(&1), Some(&Meddled(3)));
    meddle(4);
    let refused = session.compare_exchange(1, Some(&Meddled(3)), None).unwrap_err();
    assert_eq!((refused.actual, refused.new), (Some(&Meddled(4)), None));
}

#[test]
fn keys_near_by_change_while_a_closure_runs() {
    let map = evens(4);
    let session = map.pin();
    // Each of these splits, empties or joins the block that the closure's key is in.
    let mut runs = 0;
    session.update(4, |value| {
        runs += 1;
        if runs == 1 {
            session.extend((0..50).map(|n| (2 * n + 1, n)));
        }
        value + 1
    });
    assert_eq!(session.get(&4), Some(&17));
    session.compute(4, |value| {
        if session.len() > 1 {
            session.retain(|key, _| *key == 4);
        }
        Compute::<_, ()>::Insert(value.unwrap() + 1)
    });
    assert_eq!(map.iter().collect::<Vec<_>>(), [(4, 18)]);
}
