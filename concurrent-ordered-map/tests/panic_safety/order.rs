//! A panic in each of the comparisons that a call makes, one after the other.

use std::ops::Bound::{Excluded, Included};

use concurrent_ordered_map::{Batch, Compute};

use super::fuse::{
    Fused, KEYS, Map, Model, VALUES, Value, blows, check_and_drop, content, left, light,
};
use crate::common::{SHAPES, alone, map_of};

/// Keys are below this.
const NUMBERS: u32 = 14;

/// A call, and what it makes of the model.
struct Call {
    name: &'static str,
    on_map: fn(&Map, u32),
    on_model: fn(&mut Model, u32),
    /// It takes one step a key: after a panic it may have made some of them, in ascending order.
    stepwise: bool,
}

const fn call(name: &'static str, on_map: fn(&Map, u32), on_model: fn(&mut Model, u32)) -> Call {
    Call { name, on_map, on_model, stepwise: false }
}

const fn stepwise(
    name: &'static str,
    on_map: fn(&Map, u32),
    on_model: fn(&mut Model, u32),
) -> Call {
    Call { name, on_map, on_model, stepwise: true }
}

fn nothing(_: &mut Model, _: u32) {}

fn key(n: u32) -> Fused {
    Fused::new(n)
}

/// New values are told from the first ones, which are the keys.
fn value(n: u32) -> Value {
    Value::new(n + 100)
}

const CALLS: [Call; 27] = [
    call("insert", |m, n| _ = m.pin().insert(key(n), value(n)), |m, n| _ = m.insert(n, n + 100)),
    call(
        "try_insert",
        |m, n| _ = m.pin().try_insert(key(n), value(n)),
        |m, n| _ = m.entry(n).or_insert(n + 100),
    ),
    call(
        "get_or_insert",
        |m, n| _ = m.pin().get_or_insert(key(n), value(n)),
        |m, n| _ = m.entry(n).or_insert(n + 100),
    ),
    call(
        "get_or_insert_with",
        |m, n| _ = m.pin().get_or_insert_with(key(n), || value(n)),
        |m, n| _ = m.entry(n).or_insert(n + 100),
    ),
    call(
        "update",
        |m, n| _ = m.pin().update(key(n), |_| value(n)),
        |m, n| _ = m.entry(n).and_modify(|v| *v = n + 100),
    ),
    call(
        "upsert",
        |m, n| _ = m.pin().upsert(key(n), value(n), |_| value(n)),
        |m, n| _ = m.insert(n, n + 100),
    ),
    call(
        "compute insert",
        |m, n| _ = m.pin().compute(key(n), |_| Compute::<_, ()>::Insert(value(n))),
        |m, n| _ = m.insert(n, n + 100),
    ),
    call(
        "compute remove",
        |m, n| _ = m.pin().compute(key(n), |_| Compute::<_, ()>::Remove),
        |m, n| _ = m.remove(&n),
    ),
    call(
        "exchange absent",
        |m, n| _ = m.pin().compare_exchange(key(n), None, Some(value(n))),
        |m, n| _ = m.entry(n).or_insert(n + 100),
    ),
    call(
        "exchange",
        |m, n| _ = m.pin().compare_exchange(key(n), Some(&Value::new(n)), Some(value(n))),
        |m, n| _ = m.entry(n).and_modify(|v| *v = n + 100),
    ),
    call(
        "exchange remove",
        |m, n| _ = m.pin().compare_exchange(key(n), Some(&Value::new(n)), None),
        |m, n| _ = m.remove(&n),
    ),
    call("remove", |m, n| _ = m.pin().remove(&key(n)), |m, n| _ = m.remove(&n)),
    call("remove_entry", |m, n| _ = m.pin().remove_entry(&key(n)), |m, n| _ = m.remove(&n)),
    call("remove_if", |m, n| _ = m.pin().remove_if(&key(n), |_, _| true), |m, n| _ = m.remove(&n)),
    call("pop_first", |m, _| _ = m.pin().pop_first(), |m, _| _ = m.pop_first()),
    call("pop_last", |m, _| _ = m.pin().pop_last(), |m, _| _ = m.pop_last()),
    call("get", |m, n| _ = m.pin().get(&key(n)), nothing),
    call("first and last", |m, _| _ = (m.pin().first(), m.pin().last()), nothing),
    call("lower_bound", |m, n| _ = m.pin().lower_bound(Included(&key(n))), nothing),
    call("upper_bound", |m, n| _ = m.pin().upper_bound(Excluded(&key(n))), nothing),
    call(
        "iter",
        |m, n| {
            let session = m.pin();
            let mut iter = session.range(..key(n));
            while iter.next().is_some() && iter.next_back().is_some() {}
        },
        nothing,
    ),
    call("owned iter", |m, n| _ = m.range(key(n)..).zip(m.iter().rev()).count(), nothing),
    stepwise("clear", |m, _| m.clear(), |m, _| m.clear()),
    stepwise(
        "retain",
        |m, _| m.retain(|key, _| key.0.n.is_multiple_of(3)),
        |m, _| m.retain(|n, _| n.is_multiple_of(3)),
    ),
    call(
        "apply",
        |m, n| {
            let batch = Batch::new().insert(key(n), value(n)).remove(key(n + 1));
            drop(m.pin().apply(batch.insert(key(n / 2), value(n)).remove(key(n + 3))));
        },
        |m, n| {
            m.retain(|k, _| *k != n + 1 && *k != n + 3);
            m.extend([(n, n + 100), (n / 2, n + 100)]);
        },
    ),
    stepwise("remove_range", |m, n| _ = m.remove_range(key(n)..), |m, n| m.retain(|k, _| *k < n)),
    stepwise(
        "extend",
        |m, n| m.extend((n..n + 5).map(|n| (key(n), value(n)))),
        |m, n| m.extend((n..n + 5).map(|n| (n, n + 100))),
    ),
];

/// Several ways to come to blocks of different fullness, with removed entries in them.
fn prepare(shape: Option<(u8, u8)>, size: u32, form: u32) -> (Map, Model) {
    let map: Map = map_of(shape);
    // Ascending, descending, and outside in.
    let order = |i: u32| match form % 3 {
        0 => i,
        1 => NUMBERS - 1 - i,
        _ if i.is_multiple_of(2) => i / 2,
        _ => NUMBERS - 1 - i / 2,
    };
    for n in (0..size).map(order) {
        map.set(key(n), Value::new(n));
    }
    if form >= 3 {
        for n in (0..size).map(order).filter(|n| n % 4 != 1) {
            map.delete(&key(n));
        }
    }
    let model = content(&map);
    (map, model)
}

/// After a panic in a call that goes key by key: some of its steps were made, and they are the first ones.
fn is_between(now: &Model, before: &Model, after: &Model) -> bool {
    let keys = before.keys().chain(after.keys());
    let steps: std::collections::BTreeSet<_> =
        keys.filter(|k| before.get(k) != after.get(k)).collect();
    let made = steps.iter().take_while(|k| now.get(k) == after.get(k)).count();
    let rest_unmade = steps.iter().skip(made).all(|k| now.get(k) == before.get(k));
    let others = |of: &Model| -> Model {
        of.iter().filter(|(k, _)| !steps.contains(k)).map(|(k, v)| (*k, *v)).collect()
    };
    rest_unmade && others(now) == others(before)
}

/// Lets the call's comparison with this number panic. False if it does not make so many.
fn one_panic(
    call: &Call,
    shape: Option<(u8, u8)>,
    size: u32,
    form: u32,
    n: u32,
    number: u32,
) -> bool {
    let (map, before) = prepare(shape, size, form);
    let mut after = before.clone();
    (call.on_model)(&mut after, n);
    light(Some(number));
    let blown = blows(|| (call.on_map)(&map, n));
    light(None);
    let now = content(&map);
    let what =
        || format!("{} {n} of {before:?}, shape {shape:?}, form {form}, panic {number}", call.name);
    if !blown {
        assert_eq!(now, after, "{}", what());
    } else if call.stepwise {
        assert!(is_between(&now, &before, &after), "{} left {now:?}", what());
    } else {
        assert!(now == before || now == after, "{} left {now:?}", what());
    }
    let _context = Context(what);
    // `extend` goes beyond them.
    check_and_drop(map, NUMBERS + 5);
    blown
}

/// Tells what was going on when a check fails.
struct Context<F: Fn() -> String>(F);

impl<F: Fn() -> String> Drop for Context<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("after: {}", (self.0)());
        }
    }
}

#[test]
fn a_panic_in_any_comparison_of_any_call_loses_nothing() {
    let _alone = alone();
    let mut panics = 0;
    let shapes = SHAPES.iter().filter(|shape| shape.is_some()).cycle();
    for call in &CALLS {
        let mut shapes = shapes.clone();
        for form in 0..6 {
            // Four sizes and three shapes: each form meets all of them, and no two in the same way.
            for (size, n) in [(0, 3), (5, 2), (9, 4), (14, 13)] {
                let shape = *shapes.next().expect("it is a cycle");
                let more = |number: &u32| one_panic(call, shape, size, form, n, *number);
                panics += (0..).take_while(more).count();
            }
        }
    }
    println!("{panics} panics");
    assert!(panics > 2_000, "too few panics to mean anything");
    assert_eq!((KEYS.alive(), VALUES.alive()), (0, 0));
}

/// Grows and shrinks a map with a panic in each call's every comparison, and the call made again after it:
/// what one panic leaves undone must not add up.
#[test]
fn calls_that_panic_again_and_again_are_made_good_by_a_last_one() {
    let _alone = alone();
    for shape in SHAPES {
        let map: Map = map_of(shape);
        let mut model = Model::new();
        let mut each = |call: &Call, n: u32| {
            let before = model.clone();
            (call.on_model)(&mut model, n);
            for number in 0.. {
                light(Some(number));
                let blown = blows(|| (call.on_map)(&map, n));
                assert!(!blown || left().is_none());
                light(None);
                let now = content(&map);
                assert!(now == before || now == model, "{} {n}: {now:?}", call.name);
                assert_eq!(map.len(), now.len(), "len at rest");
                if !blown || now == model {
                    break;
                }
            }
        };
        let call = |name| CALLS.iter().find(|call| call.name == name).unwrap();
        for n in (0..60).map(|n| n * 37 % 61) {
            each(call("insert"), n);
        }
        for n in (0..30).map(|n| n * 41 % 61) {
            each(call("update"), n);
            each(call("apply"), n);
            each(call("remove"), n);
        }
        for _ in 0..10 {
            each(call("pop_first"), 0);
            each(call("pop_last"), 0);
        }
        assert_eq!(content(&map), model);
        check_and_drop(map, 61);
    }
}
