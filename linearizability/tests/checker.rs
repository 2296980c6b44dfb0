//! Tests of the linearizability checker itself : it has to accept what is right,
//! and it is worth nothing unless it rejects what is wrong.

use std::thread;
use std::time::Duration;

use linearizability::broken::{
    DoubleRemove, FlickeringInsert, LockedMap, LostUpdate, SkippingLowerBound, StaleRead,
    TornBatch, TornExchange, TornLowerBound, TornPop, TornSnapshot, TwoWinners,
};
use linearizability::history::{Call, History, Recorder};
use linearizability::linearize::{Spec, check};
use linearizability::map_spec::{MapSpec, Model, Op, Ret, Subject, apply};
use linearizability::minimise::{minimise, parts, without_call, without_part};
use linearizability::plan::{ALL_KINDS, Plan, Shape};
use linearizability::rng::Rng;
use linearizability::run::{Config, Failure, Report, What, run_histories};

type MapCall = Call<Op, Ret>;
type MapHistory = History<Op, Ret>;

fn call(thread: usize, op: Op, ret: Ret, invoked: u64, returned: u64) -> MapCall {
    Call { thread, op, ret, invoked, returned: Some(returned) }
}

fn value(value: u32) -> Ret {
    Ret::Value(Some(value))
}

const ABSENT: Ret = Ret::Value(None);

// Known histories.

fn assert_linearizable(expected: bool, calls: &[MapCall]) {
    let verdict = check::<MapSpec>(&History::new(calls.to_vec()));
    assert_eq!(verdict.is_ok(), expected, "{verdict:?}");
}

#[test]
fn a_read_beside_a_write_sees_either_value() {
    let writes =
        [call(1, Op::Insert(0, 1), ABSENT, 0, 1), call(1, Op::Insert(0, 2), value(1), 2, 5)];
    for (seen, expected) in [(value(1), true), (value(2), true), (ABSENT, false)] {
        let read = call(2, Op::Get(0), seen, 3, 4);
        assert_linearizable(expected, &[writes[0].clone(), writes[1].clone(), read]);
    }
}

#[test]
fn a_read_after_a_write_sees_it() {
    let write = call(1, Op::Insert(0, 1), ABSENT, 0, 1);
    assert_linearizable(true, &[write.clone(), call(2, Op::Get(0), value(1), 2, 3)]);
    assert_linearizable(false, &[write.clone(), call(2, Op::Get(0), ABSENT, 2, 3)]);
    // At one tick, which came first is not known.
    assert_linearizable(true, &[write, call(2, Op::Get(0), ABSENT, 1, 2)]);
}

#[test]
fn a_later_read_does_not_go_back_to_an_older_value() {
    let write = call(1, Op::Insert(0, 1), ABSENT, 0, 9);
    let reads = |first, second| {
        [write.clone(), call(2, Op::Get(0), first, 1, 2), call(3, Op::Get(0), second, 3, 4)]
    };
    assert_linearizable(true, &reads(ABSENT, value(1)));
    assert_linearizable(false, &reads(value(1), ABSENT));
}

#[test]
fn two_readers_agree_on_the_order_of_two_writes() {
    let reads = |first: [Ret; 2], second: [Ret; 2]| {
        [
            call(1, Op::Insert(0, 1), ABSENT, 0, 20),
            call(2, Op::Insert(1, 1), ABSENT, 1, 21),
            call(3, Op::Get(0), first[0], 2, 3),
            call(3, Op::Get(1), first[1], 4, 5),
            call(4, Op::Get(1), second[0], 6, 7),
            call(4, Op::Get(0), second[1], 8, 9),
        ]
    };
    assert_linearizable(true, &reads([value(1), ABSENT], [value(1), value(1)]));
    assert_linearizable(false, &reads([value(1), ABSENT], [ABSENT, ABSENT]));
}

#[test]
fn one_of_two_removals_gets_the_value() {
    let removals = |first, second| {
        [
            call(0, Op::Insert(0, 1), ABSENT, 0, 1),
            call(1, Op::Remove(0), first, 2, 4),
            call(2, Op::Remove(0), second, 3, 5),
        ]
    };
    assert_linearizable(true, &removals(value(1), ABSENT));
    assert_linearizable(true, &removals(ABSENT, value(1)));
    assert_linearizable(false, &removals(value(1), value(1)));
    assert_linearizable(false, &removals(ABSENT, ABSENT));
}

#[test]
fn a_call_left_open_by_a_cut_may_have_taken_effect_or_not() {
    let mut write = call(1, Op::Insert(0, 1), ABSENT, 0, 0);
    write.returned = None;
    for (seen, expected) in [(ABSENT, true), (value(1), true), (value(2), false)] {
        assert_linearizable(expected, &[write.clone(), call(2, Op::Get(0), seen, 1, 2)]);
    }
}

/// A register whose writes do not tell what they overwrite: unlike in the map, two orders of
/// the same calls can lead to different states.
struct Register;

impl Spec for Register {
    type State = u32;
    type Op = Option<u32>;
    type Ret = Option<u32>;

    fn initial() -> u32 {
        0
    }

    /// `Some` is a write, `None` a read.
    fn step(state: &u32, op: &Option<u32>, ret: &Option<u32>) -> Option<u32> {
        match (op, ret) {
            (Some(written), None) => Some(*written),
            (None, Some(read)) => (read == state).then_some(*state),
            _ => None,
        }
    }
}

#[test]
fn either_of_two_blind_writes_may_be_the_last() {
    for (seen, expected) in [(1, true), (2, true), (0, false)] {
        let at = |thread, op, ret, invoked, returned| Call {
            thread,
            op,
            ret,
            invoked,
            returned: Some(returned),
        };
        let history = History::new(vec![
            at(1, Some(1), None, 0, 2),
            at(2, Some(2), None, 1, 3),
            at(1, None, Some(seen), 4, 5),
        ]);
        assert_eq!(check::<Register>(&history).is_ok(), expected, "{seen}");
        assert_eq!(minimise::<Register>(&history).is_none(), expected, "{seen}");
    }
}

// The recorder.

#[test]
fn a_log_holds_calls_in_order_and_overlap_is_counted() {
    let recorder = Recorder::new();
    let mut inner = recorder.log(2, 1);
    let mut outer = recorder.log(1, 2);
    outer.record("outer", |_| *inner.record("inner", |_| 1) + 1);
    assert_eq!(*outer.record("last", |_| 3), 3);
    let history = History::merge([inner, outer]);
    let calls = history.calls().iter();
    let seen: Vec<_> = calls.map(|c| (c.thread, c.op, c.ret, c.invoked)).collect();
    let expected = [(1, "outer", 2, 0), (2, "inner", 1, 1), (1, "last", 3, 4)];
    assert_eq!(seen, expected);
    assert_eq!(history.overlapping_pairs(), 1);
}

#[test]
fn a_plan_follows_from_its_seed() {
    let shape = small_shape();
    let plan = |seed| Plan::generate::<LockedMap>(&shape, seed);
    assert_eq!(plan(7), plan(7));
    assert_ne!(plan(7), plan(8));
}

// The specification. The other tests and the right map share `apply`, so that it is held
// against answers written out by hand.

#[test]
fn the_sequential_map_answers_as_documented() {
    let entry = |k, v| Ret::Entry(Some((k, v)));
    let script = [
        (Op::First, Ret::Entry(None)),
        (Op::PopLast, Ret::Entry(None)),
        (Op::Add(2, 5), ABSENT),
        (Op::Insert(2, 20), ABSENT),
        (Op::Insert(2, 21), value(20)),
        (Op::TryInsert(2, 22), Ret::Tried(Err(21))),
        (Op::TryInsert(4, 40), Ret::Tried(Ok(()))),
        (Op::TryInsert(6, 60), Ret::Tried(Ok(()))),
        (Op::Get(4), value(40)),
        (Op::ContainsKey(4), Ret::Present(true)),
        (Op::ContainsKey(5), Ret::Present(false)),
        (Op::Add(4, 2), value(42)),
        (Op::LowerBound(4), entry(4, 42)),
        (Op::LowerBound(5), entry(6, 60)),
        (Op::LowerBound(7), Ret::Entry(None)),
        (Op::UpperBound(4), entry(4, 42)),
        (Op::UpperBound(3), entry(2, 21)),
        (Op::UpperBound(1), Ret::Entry(None)),
        (Op::After(4), entry(6, 60)),
        (Op::After(6), Ret::Entry(None)),
        (Op::Before(4), entry(2, 21)),
        (Op::Before(2), Ret::Entry(None)),
        (Op::First, entry(2, 21)),
        (Op::Last, entry(6, 60)),
        (Op::Snapshot, Ret::all([(2, 21), (4, 42), (6, 60)])),
        (Op::CompareExchange(4, Some(1), Some(2)), Ret::Exchanged(Err(Some(42)))),
        (Op::CompareExchange(4, Some(42), None), Ret::Exchanged(Ok(()))),
        (Op::CompareExchange(4, Some(42), None), Ret::Exchanged(Err(None))),
        (Op::CompareExchange(4, None, Some(43)), Ret::Exchanged(Ok(()))),
        (Op::CompareExchange(5, None, None), Ret::Exchanged(Ok(()))),
        (Op::Remove(4), value(43)),
        (Op::Remove(4), ABSENT),
        (Op::PopFirst, entry(2, 21)),
        (Op::PopLast, entry(6, 60)),
        (Op::PopFirst, Ret::Entry(None)),
        (Op::Batch([(3, Some(30)), (1, Some(10)), (3, Some(33))]), Ret::displaced([])),
        (Op::Batch([(9, None), (3, Some(34)), (1, None)]), Ret::displaced([(1, 10), (3, 33)])),
        (Op::Snapshot, Ret::all([(3, 34)])),
    ];
    let mut map = MapSpec::initial();
    for (op, expected) in script {
        assert!(MapSpec::step(&map, &op, &expected).is_some(), "{op:?}");
        assert_eq!(apply(&mut map, &op), expected, "{op:?}");
    }
}

#[test]
fn footprints_cover_what_calls_depend_on_and_change() {
    let mut rng = Rng::new(3);
    for round in 0..8_000 {
        let op = *rng.pick(&random_plan(round).workers[0]);
        let (mut first, mut second) = (random_model(&mut rng), random_model(&mut rng));
        let before = first.clone();
        let ret = apply(&mut first, &op);
        let footprint = MapSpec::footprint(&op, &ret);
        let changed = (0..=u8::MAX).filter(|k| before.get(k) != first.get(k));
        let allowed = footprint.changes.clone();
        for key in changed {
            assert!(allowed.as_ref().is_some_and(|c| c.contains(&key.into())), "{op:?} {ret:?}");
        }
        // A map that agrees on the footprint gives the same answer and is changed in the same way.
        let inside = |k: &u8| footprint.depends_on.contains(&u32::from(*k));
        second.retain(|k, _| !inside(k));
        second.extend(before.iter().filter(|(k, _)| inside(k)));
        assert_eq!(apply(&mut second, &op), ret, "{op:?} {before:?} {second:?}");
        for key in
            (0..=u8::MAX).filter(|k| allowed.as_ref().is_some_and(|c| c.contains(&u32::from(*k))))
        {
            assert_eq!(second.get(&key), first.get(&key), "{op:?}");
        }
    }
}

fn small_shape() -> Shape {
    Shape { threads: 3, ops_per_thread: 2, keys: 3, prefill: 0.0, weights: ALL_KINDS }
}

fn random_plan(seed: u64) -> Plan {
    Plan::generate::<LockedMap>(&small_shape(), seed)
}

fn random_model(rng: &mut Rng) -> Model {
    let keys = (0..3).filter(|_| rng.chance(0.5)).collect::<Vec<u8>>();
    // Values that plans write, so that exchanges succeed.
    keys.into_iter().map(|k| (k, 1_000 * (1 + rng.below(3)))).collect()
}

// The search, against trying every order.

/// A small history with random intervals, whose answers come from a legal order of its calls;
/// every second one then has an answer exchanged, and some calls left open.
fn random_history(seed: u64) -> MapHistory {
    let mut rng = Rng::stream(seed, 1);
    let mut ops: Vec<Op> = random_plan(seed).workers.concat();
    ops.truncate(5);
    let mut ticks: Vec<u64> = (0..10).collect();
    for left in (1..=ticks.len()).rev() {
        let last: Vec<usize> = (0..left).collect();
        ticks.swap(left - 1, *rng.pick(&last));
    }
    let mut points = Vec::new();
    for (thread, op) in ops.into_iter().enumerate() {
        let (a, b) = (ticks[2 * thread], ticks[2 * thread + 1]);
        let (invoked, returned) = (a.min(b), a.max(b));
        let inside: Vec<u64> = (invoked..returned).collect();
        points.push((*rng.pick(&inside), call(thread, op, ABSENT, invoked, returned)));
    }
    points.sort_by_key(|(point, call)| (*point, call.invoked));
    let mut map = Model::new();
    for (_, call) in &mut points {
        call.ret = apply(&mut map, &call.op);
    }
    let mut calls: Vec<MapCall> = points.into_iter().map(|(_, call)| call).collect();
    if seed % 2 == 1 {
        let changed: Vec<usize> = (0..calls.len()).collect();
        let changed = *rng.pick(&changed);
        calls[changed].ret = apply(&mut random_model(&mut rng), &calls[changed].op);
        for call in &mut calls {
            call.returned = call.returned.filter(|_| rng.chance(0.8));
        }
    }
    History::new(calls)
}

/// Whether some order of `left` (indices of calls) is legal from this state.
fn any_order_is_legal(calls: &[MapCall], left: &[usize], state: &Model) -> bool {
    let returned = |i: &usize| calls[*i].returned;
    if left.iter().all(|i| returned(i).is_none()) {
        return true;
    }
    left.iter().any(|&next| {
        let too_early = left.iter().filter_map(returned).any(|end| end < calls[next].invoked);
        let rest: Vec<usize> = left.iter().copied().filter(|&i| i != next).collect();
        let after = MapSpec::step(state, &calls[next].op, &calls[next].ret);
        !too_early && after.is_some_and(|after| any_order_is_legal(calls, &rest, &after))
    })
}

fn is_linearizable(history: &MapHistory) -> bool {
    let all: Vec<usize> = (0..history.calls().len()).collect();
    any_order_is_legal(history.calls(), &all, &Model::new())
}

#[test]
fn the_search_agrees_with_trying_every_order() {
    let mut verdicts = [0, 0];
    for seed in 0..4_000 {
        let history = random_history(seed);
        let expected = is_linearizable(&history);
        let verdict = check::<MapSpec>(&history);
        assert_eq!(verdict.is_ok(), expected, "seed {seed}: {verdict:?} {history:?}");
        assert!(expected || seed % 2 == 1, "answers of a legal order are legal");
        verdicts[usize::from(expected)] += 1;
    }
    assert!(verdicts.iter().all(|&count| count > 500), "{verdicts:?}");
}

// Minimising.

#[test]
fn no_step_of_minimising_breaks_a_linearizable_history() {
    let mut steps = 0;
    for seed in 0..4_000 {
        let history = random_history(seed);
        if !is_linearizable(&history) {
            continue;
        }
        let cuts = (0..10).map(|tick| history.cut_at(tick));
        let calls = 0..history.calls().len();
        let without_calls = calls.filter_map(|i| without_call::<MapSpec>(&history, i));
        let parts = parts::<MapSpec>(&history).into_iter();
        let without_parts = parts.filter_map(|part| without_part::<MapSpec>(&history, part));
        for smaller in cuts.chain(without_calls).chain(without_parts) {
            assert!(is_linearizable(&smaller), "seed {seed}: {history:?} {smaller:?}");
            steps += 1;
        }
    }
    assert!(steps > 10_000, "{steps}");
}

#[test]
fn a_violation_names_the_first_response_that_is_impossible() {
    for seed in (1..4_000).step_by(2) {
        let history = random_history(seed);
        let Err(violation) = check::<MapSpec>(&history) else {
            continue;
        };
        assert!(!is_linearizable(&history.cut_at(violation.tick)));
        assert!(violation.tick == 0 || is_linearizable(&history.cut_at(violation.tick - 1)));
        let (smallest, _) = minimise::<MapSpec>(&history).expect("it fails");
        assert!(!is_linearizable(&smallest));
    }
}

#[test]
fn minimising_leaves_the_calls_that_conflict() {
    let history = History::new(vec![
        call(0, Op::Insert(0, 1), ABSENT, 0, 1),
        call(0, Op::Insert(1, 2), ABSENT, 2, 3),
        call(1, Op::Insert(0, 3), value(1), 4, 8),
        call(2, Op::Last, Ret::Entry(Some((1, 2))), 5, 6),
        call(2, Op::Get(0), ABSENT, 7, 9),
        call(1, Op::Insert(0, 4), value(3), 10, 11),
    ]);
    let (smallest, violation) = minimise::<MapSpec>(&history).expect("key 0 is never absent");
    let expected = "\
no order of these 3 calls is legal
  tick  thread 0              thread 1        thread 2
     0  Insert(0, 1) -> None
     4                        ┌ Insert(0, 3)
     7                        │               ┌ Get(0)
     8                        └ -> Some(1)    │
     9                                        └ -> None
no order gets past the answer of
  thread 2: Get(0) -> None
the order that comes closest is
  thread 0: Insert(0, 1) -> None
  thread 1: Insert(0, 3) -> Some(1)
  which leaves {0: 3}
";
    assert_eq!(violation.to_string(), expected);
    assert_eq!(smallest.calls().len(), 3);
}

// Runs on maps.

fn run<S: Subject>(config: Config) -> Result<Report, Failure> {
    run_histories::<S>(config)
}

#[test]
fn a_right_map_passes_and_its_calls_overlap() {
    let config = Config { histories: 2_000, ..Config::default() };
    let report = run::<LockedMap>(config).expect("a locked map is linearizable");
    println!("LockedMap: {report}");
    assert_eq!(report.histories, 2_000);
    assert_eq!(report.calls, 2_000 * 3 * 6);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    assert!(cores == 1 || report.overlapping_pairs > 500, "{report}");
}

/// Fails unless the map is caught; prints after how many histories.
fn assert_caught<S: Subject>(name: &str) {
    let failure = run::<S>(Config::default()).expect_err(name);
    assert!(matches!(failure.what, What::NotLinearizable { .. }), "{failure}");
    println!("{name}: caught in history {}", failure.history + 1);
}

#[test]
fn every_broken_map_is_caught() {
    assert_caught::<FlickeringInsert>("FlickeringInsert");
    assert_caught::<DoubleRemove>("DoubleRemove");
    assert_caught::<LostUpdate>("LostUpdate");
    assert_caught::<TornPop>("TornPop");
    assert_caught::<TornSnapshot>("TornSnapshot");
    assert_caught::<TornBatch>("TornBatch");
    assert_caught::<TornLowerBound>("TornLowerBound");
    assert_caught::<SkippingLowerBound>("SkippingLowerBound");
    assert_caught::<StaleRead>("StaleRead");
    assert_caught::<TwoWinners>("TwoWinners");
    assert_caught::<TornExchange>("TornExchange");
}

/// Panics on the first removal.
struct Panicking(LockedMap);

impl Subject for Panicking {
    fn new() -> Self {
        Self(LockedMap::new())
    }

    fn apply(&self, op: &Op) -> Ret {
        assert!(!matches!(op, Op::Remove(_)), "no removals");
        self.0.apply(op)
    }
}

#[test]
fn a_call_that_panics_is_reported() {
    let failure = run::<Panicking>(Config::default()).expect_err("removals panic");
    let What::Panicked { op, message, .. } = &failure.what else {
        panic!("{failure}");
    };
    assert!(matches!(op, Op::Remove(_)), "{op:?}");
    assert_eq!(message, "no removals");
}

/// Never comes back from a removal.
struct Hanging(LockedMap);

impl Subject for Hanging {
    fn new() -> Self {
        Self(LockedMap::new())
    }

    fn apply(&self, op: &Op) -> Ret {
        if matches!(op, Op::Remove(_)) {
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        }
        self.0.apply(op)
    }
}

#[test]
fn a_call_that_hangs_is_reported() {
    let config = Config { threads: 2, patience: Duration::from_millis(200), ..Config::default() };
    let failure = run::<Hanging>(config).expect_err("removals hang");
    let What::Stuck { threads } = &failure.what else {
        panic!("{failure}");
    };
    assert!(threads.iter().any(|line| line.contains("Remove")), "{failure}");
}
