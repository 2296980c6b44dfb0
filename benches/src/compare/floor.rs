//! Ratios that must hold.

use std::fmt;
use std::path::Path;

use super::report::{Cell, Report};
use crate::{rows, subjects};

/// The name for whichever concurrent peer is best in a row.
const BEST: &str = "best";

/// How many times faster than a peer the map must be in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Floor {
    row: String,
    peer: String,
    least: f64,
}

/// Whether a floor held.
#[derive(Debug)]
pub struct Verdict<'f> {
    floor: &'f Floor,
    /// The peer that 'best' came to.
    peer: &'static str,
    /// None when the row did not run.
    ratio: Option<f64>,
}

/// Reads a file of floors.
///
/// # Errors
///
/// A sentence that names the file, and the line if one is not right.
pub fn read(path: &Path) -> Result<Vec<Floor>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("--floor {}: {error}", path.display()))?;
    parse(&text).map_err(|error| format!("--floor {}: {error}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Floor>, String> {
    let lines = text.lines().zip(1..).map(|(line, n)| (line.split('#').next().unwrap_or(""), n));
    let written = lines.filter(|(line, _)| !line.trim().is_empty());
    written.map(|(line, n)| floor(line).map_err(|error| format!("line {n}: {error}"))).collect()
}

fn floor(line: &str) -> Result<Floor, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [row, peer, least] = words[..] else {
        return Err("expected ROW PEER RATIO".into());
    };
    if rows::find(row).is_none() {
        return Err(format!("no row '{row}'"));
    }
    if peer != BEST && !subjects::NAMES.contains(&peer) {
        return Err(format!("no map '{peer}'"));
    }
    match least.parse::<f64>() {
        Ok(ratio) if ratio.is_finite() && ratio > 0.0 => {
            Ok(Floor { row: row.to_owned(), peer: peer.to_owned(), least: ratio })
        }
        _ => Err(format!("'{least}' is no ratio")),
    }
}

impl Floor {
    /// Compares the floor with what was found. A row that did not run is not judged.
    ///
    /// # Errors
    ///
    /// When the row ran and has no such ratio.
    pub fn judge(&self, report: &Report) -> Result<Verdict<'_>, String> {
        let Some(row) = report.row(&self.row) else {
            return Ok(Verdict { floor: self, peer: "", ratio: None });
        };
        let cell = if self.peer == BEST { row.best() } else { row.cell(&self.peer) };
        let found = cell.and_then(|cell: &Cell| Some((cell.subject, cell.ratio?)));
        let (peer, ratio) =
            found.ok_or_else(|| format!("--floor: {} has no ratio to {}", self.row, self.peer))?;
        Ok(Verdict { floor: self, peer, ratio: Some(ratio) })
    }
}

impl Verdict<'_> {
    /// Whether it held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.ratio.is_none_or(|ratio| ratio >= self.floor.least)
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Floor { row, peer, least } = self.floor;
        let Some(ratio) = self.ratio else {
            return write!(f, "floor not judged: {row} against {peer}: the row did not run");
        };
        let verdict = if self.held() { "floor held" } else { "BELOW FLOOR" };
        write!(f, "{verdict}: {row} against {}: {ratio:.2}, floor {least}", self.peer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::of;
    use super::*;

    #[test]
    fn floors_are_read_and_judged() {
        let floors =
            parse("# a comment\n\nget scc 2.5\nget best 1.0 # less\nchurn scc 1\n").unwrap();
        let report = of(&[("ours", 100.0, 0), ("scc", 250.0, 0), ("ferntree", 50.0, 0)]);
        let verdicts: Vec<_> = floors.iter().map(|floor| floor.judge(&report).unwrap()).collect();
        assert_eq!(verdicts.iter().map(Verdict::held).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(verdicts[1].to_string(), "BELOW FLOOR: get against ferntree: 0.50, floor 1");
        assert!(verdicts[2].to_string().contains("did not run"));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, named) in [
            ("get scc 1\nget scc", "line 2: expected"),
            ("got scc 1", "line 1: no row 'got'"),
            ("get sc 1", "no map 'sc'"),
            ("get scc fast", "'fast' is no ratio"),
            ("get scc -1", "'-1' is no ratio"),
            ("get scc NaN", "'NaN' is no ratio"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn a_peer_that_has_no_ratio_is_an_error() {
        let report = of(&[("ours", 100.0, 0)]);
        let floors = parse("get scc 1").unwrap();
        assert!(floors[0].judge(&report).is_err());
    }
}
