//! What does borrowing a connection cost, and giving it back: with ten idle and nobody else, and by 500 tasks
//! over ten? No server, so that the pools alone are measured.

mod common;

use std::time::Duration;

use benches::number::float;
use benches::pools::questions::{Answer, Env, Question, all};
use criterion::Criterion;

fn main() {
    let mut criterion = common::criterion();
    for question in all() {
        if ["uncontended", "crowd"].contains(&question.columns[0].id) {
            group(&mut criterion, &question);
        }
    }
    criterion.final_summary();
}

/// As for the maps: a trial's cost a call stands for all that criterion asks for.
fn group(criterion: &mut Criterion, question: &Question) {
    let mut group = criterion.benchmark_group(question.columns[0].id);
    for (subject, answer) in &question.answers {
        if cost(question, *answer).is_none() {
            println!("{}/{subject}: hangs", question.columns[0].id);
            continue;
        }
        group.bench_function(*subject, |bencher| {
            bencher.iter_custom(|calls| {
                let cost = cost(question, *answer).expect("it did not hang in the first trial");
                let calls = float(usize::try_from(calls).unwrap_or(usize::MAX));
                Duration::from_secs_f64(cost * calls)
            });
        });
    }
    group.finish();
}

/// The seconds for each call of all tasks together; `None` if calls hang.
fn cost(question: &Question, answer: Answer) -> Option<f64> {
    let env = Env { postgres: None, time: Duration::from_millis(30), allocated: None };
    let figure = answer(&env)[0];
    let seconds = match question.columns[0].unit {
        "ns" => figure / 1e9,
        "k/s" => 1.0 / (figure * 1e3),
        unit => unreachable!("a figure in {unit} is no cost of a call"),
    };
    seconds.is_finite().then_some(seconds)
}
