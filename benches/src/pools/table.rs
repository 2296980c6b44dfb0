//! The runner behind `cargo bench -p benches --bench pool`: asks in interleaved rounds, prints the medians.

use std::fmt::Write;

use super::questions::{Column, Env, Question, all};

/// All figures of one question: by subject, by column, by round.
type Figures = Vec<Vec<Vec<f64>>>;

/// Asks the questions of which a row is wanted, so many rounds each, and answers the table.
#[must_use]
pub fn table(env: &Env, rounds: usize, wanted: impl Fn(&str) -> bool) -> String {
    let names = ["ours", "sqlx", "deadpool", "deadpool+t", "bb8", "qp", "bare"];
    let mut text = format!("| row | unit | {} |\n", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
    for question in all() {
        let asks_postgres = question.columns.iter().any(|column| column.id.starts_with("pg-"));
        let asks_memory = question.columns.iter().any(|column| column.id.starts_with("memory-"));
        let is_wanted = question.columns.iter().any(|column| wanted(column.id));
        let can_be_asked =
            (!asks_postgres || env.postgres.is_some()) && asks_memory == env.allocated.is_some();
        if !is_wanted || !can_be_asked {
            continue;
        }
        let figures = ask(env, &question, rounds);
        for (at, column) in question.columns.iter().enumerate() {
            let _ = write!(text, "| {} | {} |", column.id, column.unit);
            for name in names {
                let cell = question.answers.iter().position(|(subject, _)| *subject == name);
                let cell = cell.map(|subject| cell_of(&figures, subject, at, *column));
                let _ = write!(text, " {} |", cell.unwrap_or_else(|| String::from("-")));
            }
            text.push('\n');
        }
        eprintln!("{}", text.lines().last().unwrap_or_default());
    }
    text
}

/// In each round every subject answers once, and each round begins with another one.
fn ask(env: &Env, question: &Question, rounds: usize) -> Figures {
    let count = question.answers.len();
    let mut figures = vec![vec![vec![]; question.columns.len()]; count];
    for round in 0..rounds {
        for turn in 0..count {
            let subject = (round + turn) % count;
            for (at, figure) in (question.answers[subject].1)(env).into_iter().enumerate() {
                figures[subject][at].push(figure);
            }
        }
    }
    figures
}

/// The median, and how far ours is ahead: above 1, ours is better.
fn cell_of(figures: &Figures, subject: usize, at: usize, column: Column) -> String {
    let (ours, theirs) = (median(&figures[0][at]), median(&figures[subject][at]));
    if theirs.is_nan() {
        return String::from("hangs");
    }
    let value = match theirs {
        small if small < 10.0 => format!("{small:.2}"),
        large => format!("{large:.0}"),
    };
    if subject == 0 || ours == 0.0 || theirs == 0.0 {
        return value;
    }
    let ratio = if column.more_is_better { ours / theirs } else { theirs / ours };
    format!("{value} ({ratio:.2})")
}

/// Of figures of which none, or all that matter, are numbers: one that hung makes the median hang.
fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    if figures.iter().any(|figure| figure.is_nan()) {
        return f64::NAN;
    }
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
