//! A plan's tables: for the terminal, the page and a file of comma-separated values.

use super::figures::Figures;
use super::predict::Prediction;
use super::report::{PeerPlan, Report, Row};
use super::sensitivity::Load;
use crate::markdown::{figure, table};

/// A table. The first line is its header.
pub type Lines = Vec<Vec<String>>;

/// What is not there, or is beyond all bounds.
const NONE: &str = "-";

/// Milliseconds.
#[must_use]
pub fn ms(value: f64) -> String {
    match value {
        _ if value.is_infinite() => "refused".into(),
        _ if value.is_nan() => NONE.into(),
        _ => figure(value),
    }
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn yes(holds: bool) -> String {
    if holds { "yes" } else { "no" }.into()
}

/// The sizes.
#[must_use]
pub fn sizes(report: &Report) -> Lines {
    let target = format!("target: {}", report.asked.target());
    let mut lines = vec![header(&[
        "size",
        "busy %",
        "calls/s",
        "mean",
        "\u{b1}",
        "predicted",
        "p50",
        "p95",
        "p99",
        "predicted",
        "max",
        &target,
        "\u{b1}",
        "holds",
        "",
    ])];
    lines.extend(report.rows.iter().map(size));
    lines
}

fn size(row: &Row) -> Vec<String> {
    let measured =
        |of: fn(&Figures) -> f64| row.measured.as_ref().map_or(NONE.into(), |run| ms(of(run)));
    let predicted = row.predicted.as_ref();
    vec![
        row.size.to_string(),
        format!("{:.0}", row.utilisation),
        row.measured.as_ref().map_or(NONE.into(), |run| figure(run.throughput)),
        measured(|run| run.mean_ms),
        measured(|run| run.mean_error_ms),
        predicted.map_or(NONE.into(), |of| ms(of.mean_ms)),
        measured(|run| run.p50_ms),
        measured(|run| run.p95_ms),
        measured(|run| run.p99_ms),
        predicted.map_or(NONE.into(), |of| ms(of.p99_ms)),
        measured(|run| run.max_ms),
        measured(|run| run.target_ms),
        measured(|run| run.target_error_ms),
        if row.measured.is_some() { yes(row.holds) } else { "overload".into() },
        row.is.join(", "),
    ]
}

/// Other loads.
#[must_use]
pub fn loads(report: &Report) -> Lines {
    let target = report.asked.target();
    let mut lines =
        vec![header(&["load", "busy %", "mean", &target, "refused %", "holds", "size needed"])];
    lines.extend(report.loads.iter().map(load));
    lines
}

fn load(load: &Load) -> Vec<String> {
    let of =
        |of: fn(&Figures) -> f64| load.measured.as_ref().map_or(NONE.into(), |run| ms(of(run)));
    vec![
        format!("x {}", load.factor),
        format!("{:.0}", load.utilisation),
        of(|run| run.mean_ms),
        of(|run| run.target_ms),
        of(|run| run.refused * 100.0),
        if load.measured.is_some() { yes(load.holds) } else { "overload".into() },
        load.size.map_or(NONE.into(), |size| size.to_string()),
    ]
}

/// The pools.
#[must_use]
pub fn peers(report: &Report) -> Lines {
    let mut lines = vec![header(&[
        "pool",
        "size needed",
        "mean",
        "p50",
        "p95",
        "p99",
        "max",
        "overtaken %",
        "p99 / ours",
    ])];
    let ours = report.peers.first().map_or(f64::NAN, |ours| ours.measured.p99_ms);
    lines.extend(report.peers.iter().map(|plan| peer(plan, ours)));
    lines
}

fn peer(plan: &PeerPlan, ours: f64) -> Vec<String> {
    let run = &plan.measured;
    vec![
        plan.pool.into(),
        plan.size.map_or("none holds".into(), |size| size.to_string()),
        ms(run.mean_ms),
        ms(run.p50_ms),
        ms(run.p95_ms),
        ms(run.p99_ms),
        ms(run.max_ms),
        figure(run.overtaken * 100.0),
        if ours > 0.0 { figure(run.p99_ms / ours) } else { NONE.into() },
    ]
}

/// The server's connections.
#[must_use]
pub fn split(report: &Report) -> Lines {
    let mut lines = vec![header(&["instances", "connections each", "left over", "is enough"])];
    lines.extend(report.split.iter().map(|split| {
        vec![
            split.instances.to_string(),
            split.each.to_string(),
            split.left.to_string(),
            yes(split.fits),
        ]
    }));
    lines
}

/// The whole plan, as a terminal shows it.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let asked = &report.asked;
    let mut text = format!("{}\n\n", report.recommendation);
    report.notes.iter().for_each(|note| text.push_str(&format!("- {note}\n")));
    text.push_str(&format!(
        "\n{} calls/s at each of {} instances, service {}: {} connections busy on average. Waits in milliseconds, \
         from the moment at which a call was to come.\n\n{}",
        figure(asked.rate),
        asked.instances,
        asked.service,
        figure(asked.offered),
        table(&sizes(report))
    ));
    text.push_str(&format!("\nOther loads at that size:\n\n{}", table(&loads(report))));
    if !report.split.is_empty() {
        text.push_str(&format!("\nThe server's connections:\n\n{}", table(&split(report))));
    }
    text.push_str(&format!("\nPools at that size:\n\n{}", table(&peers(report))));
    text.push_str(&format!(
        "\nClock: {}.\n{}. {}.\n`{}`\n",
        report.clock, report.machine, report.date, report.command
    ));
    text
}

/// A column of the comma-separated values.
type Column = (&'static str, fn(&Row) -> String);

/// All of them.
const COLUMNS: [Column; 19] = [
    ("size", |row| row.size.to_string()),
    ("utilisation_percent", |row| row.utilisation.to_string()),
    ("throughput", |row| measured(row, |run| run.throughput)),
    ("mean_ms", |row| measured(row, |run| run.mean_ms)),
    ("mean_error_ms", |row| measured(row, |run| run.mean_error_ms)),
    ("p50_ms", |row| measured(row, |run| run.p50_ms)),
    ("p95_ms", |row| measured(row, |run| run.p95_ms)),
    ("p99_ms", |row| measured(row, |run| run.p99_ms)),
    ("max_ms", |row| measured(row, |run| run.max_ms)),
    ("target_ms", |row| measured(row, |run| run.target_ms)),
    ("target_error_ms", |row| measured(row, |run| run.target_error_ms)),
    ("refused", |row| measured(row, |run| run.refused)),
    ("model", |row| row.predicted.map_or("", |of| of.model).into()),
    ("predicted_mean_ms", |row| predicted(row, |of| of.mean_ms)),
    ("predicted_p50_ms", |row| predicted(row, |of| of.p50_ms)),
    ("predicted_p95_ms", |row| predicted(row, |of| of.p95_ms)),
    ("predicted_p99_ms", |row| predicted(row, |of| of.p99_ms)),
    ("holds", |row| row.holds.to_string()),
    ("is", |row| row.is.join("; ")),
];

fn measured(row: &Row, of: fn(&Figures) -> f64) -> String {
    finite(row.measured.as_ref().map(of))
}

fn predicted(row: &Row, of: fn(&Prediction) -> f64) -> String {
    finite(row.predicted.as_ref().map(of))
}

fn finite(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or(String::new(), |value| value.to_string())
}

/// The sizes as comma-separated values: one line a size, empty where there is no figure.
///
/// # Errors
///
/// If a line cannot be written, which memory does not refuse.
pub fn csv(report: &Report) -> Result<String, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|(name, _)| name))?;
    for row in &report.rows {
        writer.write_record(COLUMNS.map(|(_, of)| of(row)))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
