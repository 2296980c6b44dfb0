//! Trials as criterion takes them.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::path::PathBuf;
use std::time::Duration;

use benches::number::float;
use benches::rows::{Row, Scale, find};
use criterion::Criterion;

/// Criterion's measurements, kept short: a sample is one trial.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .configure_from_args()
}

/// Benches all subjects on the rows of these names, a group each, at 100,000 entries and by 2 threads.
pub(crate) fn groups(criterion: &mut Criterion, rows: &[&str]) {
    for row in rows {
        group(criterion, find(row).expect("a row of that name"));
    }
}

/// What criterion calls one iteration is one call of a map. However many it asks for, a trial makes as
/// many as it was prepared for, and its cost a call stands for all.
fn group(criterion: &mut Criterion, row: &Row) {
    let scale = Scale { entries: 100_000, calls: 50_000, threads: 2, tool: PathBuf::new() };
    let mut group = criterion.benchmark_group(row.id);
    for (subject, mut trial) in (row.trials)(&scale, &|_| true) {
        group.bench_function(subject, |bencher| {
            bencher.iter_custom(|calls| {
                let calls = float(usize::try_from(calls).unwrap_or(usize::MAX));
                Duration::from_secs_f64(trial().cost * calls / 1e9)
            });
        });
    }
    group.finish();
}
