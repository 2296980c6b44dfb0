//! The report as one page of HTML that needs nothing else: plots inline, and no script.

use std::error::Error;
use std::fmt::Write;

use super::plot;
use super::report::{Report, RowReport};
use super::table;

const HEAD: &str = "\
<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>concurrent-ordered-map beside its peers</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
main { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
section { min-width: 0; }
h2 { font-size: 1rem; margin: 0 0 .3rem; }
svg { width: 100%; height: auto; max-width: 34rem; display: block; }
svg text { fill: currentColor; }
pre { overflow-x: auto; font-size: .8rem; }
code { overflow-wrap: anywhere; }
</style>
";

/// The page.
///
/// # Errors
///
/// If a plot cannot be drawn.
pub fn html(report: &Report) -> Result<String, Box<dyn Error>> {
    let mut page = String::from(HEAD);
    writeln!(page, "<h1>concurrent-ordered-map beside its peers</h1>")?;
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
