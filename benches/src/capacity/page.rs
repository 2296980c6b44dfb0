//! A plan as one page of HTML that needs nothing else.

use std::error::Error;

use super::charts::{Frame, Line, chart};
use super::figures::Figures;
use super::report::Report;
use super::table::{self, Lines};
use crate::number::float;
use crate::page::{escaped, head};

/// The page.
///
/// # Errors
///
/// If a plot cannot be drawn.
pub fn html(report: &Report) -> Result<String, Box<dyn Error>> {
    let mut page = intro(report);
    page.push_str("<main>\n");
    let knee_of = format!("Of {}.", report.knee_of);
    for (title, says, svg) in [
        ("Wait against size", "What the target's share of calls waits.", sizes(report)?),
        ("Measured against predicted", "The mean wait at each size.", agreement(report)?),
        ("More load", "At the recommended size.", loads(report)?),
        ("Throughput against concurrency", knee_of.as_str(), knee(report)?),
        (
            "Fairness of waits",
            "What a call waits, and the share of calls that wait longer.",
            fairness(report)?,
        ),
    ] {
        let says = escaped(says);
        page.push_str(&format!("<section><h2>{title}</h2>\n<p>{says}</p>\n{svg}</section>\n"));
    }
    page.push_str("</main>\n");
    page.push_str(&titled("Sizes", &table::sizes(report)));
    page.push_str(&titled("Other loads", &table::loads(report)));
    if !report.split.is_empty() {
        page.push_str(&titled("The server's connections", &table::split(report)));
    }
    page.push_str(&titled("Pools at that size", &table::peers(report)));
    page.push_str(&format!(
        "<p>Waits are in milliseconds, from the moment at which a call was to come. \u{b1}: half of a 95 % confidence \
         interval; a size holds the target only with it.</p>\n<p>Clock: {}. {}. {}.</p>\n<p><code>{}</code></p>\n",
        escaped(&report.clock),
        escaped(&report.machine),
        escaped(&report.date),
        escaped(&report.command)
    ));
    Ok(page)
}

/// What is asked for, and what is recommended.
fn intro(report: &Report) -> String {
    let asked = &report.asked;
    let mut page = head("Capacity plan");
    page.push_str(&format!(
        "<p><strong>{}</strong></p>\n<p>{:.0} calls a second at each of {} instances; service {}; target: p{} wait \
         under {} ms.</p>\n<ul>\n",
        escaped(&report.recommendation),
        asked.rate,
        asked.instances,
        escaped(&asked.service),
        asked.quantile,
        asked.wait_ms
    ));
    report.notes.iter().for_each(|note| page.push_str(&format!("<li>{}</li>\n", escaped(note))));
    page.push_str("</ul>\n");
    page
}

fn titled(title: &str, lines: &Lines) -> String {
    let row = |cell: &str, line: &[String]| {
        let cells: String =
            line.iter().map(|text| format!("<{cell}>{}</{cell}>", escaped(text))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let body: String = lines[1..].iter().map(|line| row("td", line)).collect();
    format!(
        "<h2>{title}</h2>\n<div class=\"table\"><table>\n{}{body}</table></div>\n",
        row("th", &lines[0])
    )
}

fn target(report: &Report) -> Option<(f64, String)> {
    Some((report.asked.wait_ms, format!("target, {} ms", report.asked.wait_ms)))
}

fn recommended(report: &Report) -> Option<(f64, String)> {
    report.size.map(|size| (float(size), format!("recommended, {size}")))
}

/// A curve through the sizes.
fn by_size(report: &Report, name: &str, of: fn(&Figures) -> f64) -> Line {
    let rows =
        report.rows.iter().filter_map(|row| Some((float(row.size), of(row.measured.as_ref()?))));
    Line { name: name.into(), points: rows.collect(), marked: true }
}

fn predicted(report: &Report, of: fn(&super::predict::Prediction) -> f64) -> Line {
    let rows =
        report.rows.iter().filter_map(|row| Some((float(row.size), of(row.predicted.as_ref()?))));
    let models = report.rows.iter().find_map(|row| Some(row.predicted.as_ref()?.model));
    let name = format!("predicted ({})", models.unwrap_or("nothing"));
    Line { name, points: rows.collect(), marked: false }
}

fn sizes(report: &Report) -> Result<String, Box<dyn Error>> {
    let frame = Frame {
        x: "connections",
        y: "ms",
        log: true,
        level: target(report),
        mark: recommended(report),
        ..Frame::default()
    };
    let name = format!("p{}, measured", report.asked.quantile);
    let lines = [
        by_size(report, &name, |run| run.target_ms),
        predicted(report, |of| of.target_ms),
        by_size(report, "mean, measured", |run| run.mean_ms),
    ];
    chart(&frame, &lines)
}

fn agreement(report: &Report) -> Result<String, Box<dyn Error>> {
    let frame = Frame { x: "connections", y: "ms", log: true, ..Frame::default() };
    let lines =
        [by_size(report, "mean, measured", |run| run.mean_ms), predicted(report, |of| of.mean_ms)];
    chart(&frame, &lines)
}

fn loads(report: &Report) -> Result<String, Box<dyn Error>> {
    let frame = Frame {
        x: "times the load asked for",
        y: "ms",
        log: true,
        level: target(report),
        rises: true,
        ..Frame::default()
    };
    let line = |name: String, of: fn(&Figures) -> f64| {
        let points =
            report.loads.iter().filter_map(|load| Some((load.factor, of(load.measured.as_ref()?))));
        Line { name, points: points.collect(), marked: true }
    };
    let target = format!("p{}", report.asked.quantile);
    chart(&frame, &[line(target, |run| run.target_ms), line("mean".into(), |run| run.mean_ms)])
}

fn knee(report: &Report) -> Result<String, Box<dyn Error>> {
    let at = report.knee.at;
    let frame = Frame {
        x: "callers that never pause",
        y: "calls/s",
        mark: Some((float(at), format!("knee, {at}"))),
        rises: true,
        ..Frame::default()
    };
    let points = report.knee.steps.iter().map(|step| (float(step.concurrency), step.throughput));
    chart(&frame, &[Line { name: "throughput".into(), points: points.collect(), marked: true }])
}

/// To the right, each step is a tenth of the calls that the one before was.
fn fairness(report: &Report) -> Result<String, Box<dyn Error>> {
    let frame = Frame {
        x: "share of calls that waits longer",
        y: "ms",
        level: target(report),
        rises: true,
        ticks: Some(|decades| format!("{}%", 100.0 / 10_f64.powf(*decades))),
        ..Frame::default()
    };
    let line = |curve: &super::report::Curve| Line {
        name: curve.of.clone(),
        points: curve
            .points
            .iter()
            .map(|(share, wait)| (2.0 - (100.0 - share).log10(), *wait))
            .collect(),
        marked: false,
    };
    chart(&frame, &report.curves.iter().map(line).collect::<Vec<_>>())
}
