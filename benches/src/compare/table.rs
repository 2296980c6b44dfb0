//! The report as a Markdown table, which a terminal shows well, too.

use std::fmt::Write;

use super::report::{Cell, Report, RowReport};
use crate::markdown::{figure, table};
use crate::subjects;

/// The table, what it was measured on, and how to read it.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let names: Vec<&str> = subjects::NAMES
        .into_iter()
        .filter(|name| report.rows.iter().any(|row| row.cell(name).is_some()))
        .collect();
    let mut lines = vec![header(&names)];
    lines.extend(report.rows.iter().map(|row| line(row, &names)));
    let mut text = table(&lines);
    text.push_str(
        "\nFigure (figure divided by ours: above 1, ours is ahead). Medians of the rounds.\n",
    );
    let _ = writeln!(
        text,
        "{} entries, {} threads, {} rounds, {} calls a trial. {}. {}.\n`{}`",
        report.entries,
        report.threads,
        report.rounds,
        report.calls,
        report.machine,
        report.date,
        report.command
    );
    text.push_str(&faults(report));
    text
}

fn header(names: &[&str]) -> Vec<String> {
    let mut header: Vec<String> = vec!["row".into(), "unit".into()];
    header.extend(names.iter().map(ToString::to_string));
    header.push("best peer".into());
    header
}

fn line(row: &RowReport, names: &[&str]) -> Vec<String> {
    let mut line: Vec<String> = vec![row.id.into(), row.unit.into()];
    line.extend(names.iter().map(|name| row.cell(name).map_or("-".into(), cell)));
    let best = |best: &Cell| match best.ratio {
        Some(ratio) => format!("{} {ratio:.2}", best.subject),
        None => best.subject.to_owned(),
    };
    line.push(row.best().map_or("-".into(), best));
    line
}

fn cell(cell: &Cell) -> String {
    let mut text = figure(cell.median);
    if let Some(ratio) = cell.ratio.filter(|_| cell.subject != subjects::OURS) {
        let _ = write!(text, " ({ratio:.2})");
    }
    if cell.wrong > 0 {
        text.push('!');
    }
    text
}

/// Which maps gave wrong answers.
fn faults(report: &Report) -> String {
    let mut text = String::new();
    for row in &report.rows {
        for cell in row.cells.iter().filter(|cell| cell.wrong > 0) {
            let _ = writeln!(text, "! {}: {}: {} wrong answers", row.id, cell.subject, cell.wrong);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::of;
    use super::*;

    #[test]
    fn the_table_has_figures_ratios_and_faults() {
        let report = of(&[("ours", 100.0, 0), ("scc", 250.0, 0), ("ferntree", 50.0, 3)]);
        let text = markdown(&report);
        assert!(
            text.contains("| get | ns   | 100  | 250 (2.50) | 50.0 (0.50)! | scc 2.50  |"),
            "{text}"
        );
        assert!(text.contains("! get: ferntree: 3 wrong answers"), "{text}");
    }
}
