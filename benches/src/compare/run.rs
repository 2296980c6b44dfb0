//! The rows, one after the other; in each, all maps in turn, round by round.

use std::io::Write;
use std::time::Instant;

use super::args::Args;
use super::report::{Cell, Report, RowReport};
use crate::machine;
use crate::number::median;
use crate::rows::{Row, Unit};

/// Runs what was asked for, and says on standard error how far it is.
pub(super) fn run(args: &Args) -> Report {
    let mut report = Report {
        date: machine::date(),
        machine: machine::name(),
        command: machine::command("compare"),
        entries: args.scale.entries,
        calls: args.scale.calls,
        threads: args.scale.threads,
        rounds: args.rounds,
        rows: Vec::new(),
    };
    let begin = Instant::now();
    for (n, row) in args.rows.iter().enumerate() {
        eprint!("{:>3} of {}  {:<18}", n + 1, args.rows.len(), row.id);
        report.rows.push(run_row(args, row));
        eprintln!(" {:>4} s", begin.elapsed().as_secs());
    }
    report
}

fn run_row(args: &Args, row: &Row) -> RowReport {
    let mut trials = (row.trials)(&args.scale, &|subject| args.wants(subject));
    let new = |subject| Cell { subject, median: 0.0, ratio: None, wrong: 0, rounds: Vec::new() };
    let mut cells: Vec<Cell> = trials.iter().map(|(subject, _)| new(*subject)).collect();
    let rounds = if row.unit == Unit::Bytes { 1 } else { args.rounds };
    for round in 0..rounds {
        // Each round begins with another map, so that none always runs behind the same neighbour.
        for n in 0..trials.len() {
            let n = (n + round) % trials.len();
            let outcome = (trials[n].1)();
            cells[n].rounds.push(outcome.cost);
            cells[n].wrong += outcome.wrong;
        }
        eprint!(".");
        std::io::stderr().flush().ok();
    }
    for cell in &mut cells {
        cell.median = median(&mut cell.rounds.clone());
    }
    let mut report = RowReport { id: row.id, title: row.title, unit: row.unit.name(), cells };
    report.divide();
    report
}
