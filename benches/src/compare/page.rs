//! The report as one page of HTML that needs nothing else: plots inline, and no script.

use std::error::Error;
use std::fmt::Write;

use super::plot;
use super::report::{Report, RowReport};
use super::table;
use crate::page::{escaped, head};

/// The page.
///
/// # Errors
///
/// If a plot cannot be drawn.
pub fn html(report: &Report) -> Result<String, Box<dyn Error>> {
    let mut page = head("concurrent-ordered-map beside its peers");
    writeln!(
        page,
        "<p>{} entries, {} threads, medians of {} rounds. {}. {}.</p>\n<p><code>{}</code></p>",
        report.entries,
        report.threads,
        report.rounds,
        escaped(&report.machine),
        escaped(&report.date),
        escaped(&report.command)
    )?;
    page.push_str(
        "<p>Short bars are good. In brackets: the figure divided by ours; above 1, ours is ahead. \
         Grey bars, marked with !, are of maps that gave wrong answers.</p>\n<main>\n",
    );
    for row in &report.rows {
        page.push_str(&section(row)?);
    }
    writeln!(
        page,
        "</main>\n<h2>All figures</h2>\n<pre>{}</pre>",
        escaped(&table::markdown(report))
    )?;
    Ok(page)
}

fn section(row: &RowReport) -> Result<String, Box<dyn Error>> {
    let svg = plot::bars(row)?;
    let title = escaped(row.title);
    Ok(format!("<section id=\"{}\"><h2>{title} ({})</h2>\n{svg}</section>\n", row.id, row.unit))
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::of;
    use super::*;

    #[test]
    fn the_page_needs_nothing_else() {
        let page = html(&of(&[("ours", 100.0, 0), ("scc", 250.0, 0)])).unwrap();
        assert!(page.contains("<svg") && page.contains("a &lt;date&gt;"), "{page}");
        for outside in ["<script", "<link", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
