//! Every subject does every workload right, at a size for a test.

use std::path::PathBuf;

use benches::rows::{ROWS, Scale, Unit};
use benches::subjects;

/// Peers whose own faults under two threads say nothing about the workloads: crossbeam-skiplist 0.1.3 can answer
/// that a present key is absent while its value is replaced (crossbeam #1023), ferntree 0.7 that a map which is not
/// empty has no first entry, and bplustree 0.1 can panic on what it reads beside a writer.
const UNSOUND: [&str; 3] = ["crossbeam-skiplist", "ferntree", "bplustree"];

fn sound(subject: &str) -> bool {
    !UNSOUND.contains(&subject)
}

#[test]
fn unsound_peers_are_right_by_one_thread() {
    let scale = Scale { entries: 400, calls: 1_000, threads: 1, tool: PathBuf::new() };
    let timed = ROWS.iter().filter(|row| row.unit == Unit::Nanos);
    for row in timed {
        for (subject, mut trial) in (row.trials)(&scale, &|subject| !sound(subject)) {
            assert_eq!(trial().wrong, 0, "{}: {subject}", row.id);
        }
    }
}

#[test]
fn answers_are_right() {
    let tool = PathBuf::from(env!("CARGO_BIN_EXE_weigh"));
    let scale = Scale { entries: 400, calls: 1_000, threads: 2, tool };
    for row in &ROWS {
        let mut trials = (row.trials)(&scale, &sound);
        assert!(trials.iter().any(|(subject, _)| *subject == subjects::OURS), "{}", row.id);
        // Twice: a trial leaves the map as it found it.
        for _ in 0..2 {
            for (subject, trial) in &mut trials {
                let outcome = trial();
                assert_eq!(outcome.wrong, 0, "{}: {subject}", row.id);
                assert!(row.unit != Unit::Nanos || outcome.cost > 0.0, "{}: {subject}", row.id);
            }
        }
    }
}

#[test]
fn a_snapshot_is_never_adrift() {
    let scale = Scale { entries: 400, calls: 40_000, threads: 3, tool: PathBuf::new() };
    let row = benches::rows::find("adrift").expect("there is one");
    for (_, mut trial) in (row.trials)(&scale, &|subject| subject == "ours-snapshot") {
        let outcome = trial();
        assert_eq!((outcome.cost, outcome.wrong), (0.0, 0));
    }
}

#[test]
fn a_batch_is_never_torn() {
    let scale = Scale { entries: 400, calls: 40_000, threads: 3, tool: PathBuf::new() };
    let row = benches::rows::find("torn").expect("there is one");
    for (_, mut trial) in (row.trials)(&scale, &|subject| subject == "ours-snapshot") {
        let outcome = trial();
        assert_eq!((outcome.cost, outcome.wrong), (0.0, 0));
    }
}

#[test]
fn one_thread_lets_the_plain_map_take_part() {
    let scale = Scale { entries: 100, calls: 100, threads: 1, tool: PathBuf::new() };
    let row = benches::rows::find("insert").expect("there is one");
    let trials = (row.trials)(&scale, &|_| true);
    assert!(trials.iter().any(|(subject, _)| *subject == "btreemap-alone"));
}
