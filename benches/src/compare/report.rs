//! What a run found.

use serde::Serialize;

use crate::subjects;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it began.
    pub date: String,
    /// What it ran on.
    pub machine: String,
    /// The command line.
    pub command: String,
    /// Entries in the map.
    pub entries: usize,
    /// Calls in a trial.
    pub calls: usize,
    /// Threads, in rows that are not of 1 thread.
    pub threads: usize,
    /// Rounds.
    pub rounds: usize,
    /// The rows, in the order of the table.
    pub rows: Vec<RowReport>,
}

/// A row.
#[derive(Debug, Serialize)]
pub struct RowReport {
    /// Its name in flags and floors.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What its figures are.
    pub unit: &'static str,
    /// One cell a map that took part.
    pub cells: Vec<Cell>,
}

/// One map in one row.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// The map.
    pub subject: &'static str,
    /// The median of the rounds.
    pub median: f64,
    /// This map's median divided by ours; none where that says nothing, as in "0 bytes left".
    pub ratio: Option<f64>,
    /// Wrong answers in all rounds together.
    pub wrong: u64,
    /// Each round.
    pub rounds: Vec<f64>,
}

impl Report {
    /// The row of that name, if it ran.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&RowReport> {
        self.rows.iter().find(|row| row.id == id)
    }
}

impl RowReport {
    /// A map's cell, if it took part.
    #[must_use]
    pub fn cell(&self, subject: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.subject == subject)
    }

    /// The concurrent peer with the lowest figure, among those whose answers were all right.
    #[must_use]
    pub fn best(&self) -> Option<&Cell> {
        let peers = self.cells.iter().filter(|cell| subjects::is_peer(cell.subject));
        peers
            .filter(|cell| cell.wrong == 0)
            .min_by(|one, other| one.median.total_cmp(&other.median))
    }

    /// Wrong answers of this project's map.
    #[must_use]
    pub fn ours_wrong(&self) -> u64 {
        let ours = self.cells.iter().filter(|cell| cell.subject.starts_with(subjects::OURS));
        ours.map(|cell| cell.wrong).sum()
    }

    /// Divides every median by ours.
    pub(super) fn divide(&mut self) {
        let ours = self.cell(subjects::OURS).map_or(0.0, |cell| cell.median);
        // Bytes that are left, and scans that are torn, may be none at all.
        let comparable = ours >= 1.0 && self.unit != "%";
        for cell in &mut self.cells {
            cell.ratio = comparable.then(|| cell.median / ours);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A report of one row with these figures.
    pub(in crate::compare) fn of(figures: &[(&'static str, f64, u64)]) -> Report {
        let cell = |&(subject, median, wrong)| Cell {
            subject,
            median,
            ratio: None,
            wrong,
            rounds: vec![median],
        };
        let cells = figures.iter().map(cell).collect();
        let mut row = RowReport { id: "get", title: "get hit", unit: "ns", cells };
        row.divide();
        Report {
            date: "a <date>".into(),
            machine: "a machine".into(),
            command: "a command".into(),
            entries: 1,
            calls: 1,
            threads: 2,
            rounds: 1,
            rows: vec![row],
        }
    }

    #[test]
    fn ratios_are_peer_by_ours() {
        let report = of(&[("ours", 100.0, 0), ("scc", 250.0, 0), ("ferntree", 50.0, 0)]);
        assert_eq!(report.rows[0].cell("scc").unwrap().ratio, Some(2.5));
        assert_eq!(report.rows[0].cell("ferntree").unwrap().ratio, Some(0.5));
    }

    #[test]
    fn the_best_peer_is_right_and_concurrent() {
        let report = of(&[
            ("ours", 1.0, 0),
            ("ours-unpinned", 2.0, 0),
            ("btreemap-alone", 3.0, 0),
            ("ferntree", 4.0, 9),
            ("scc", 5.0, 0),
            ("bplustree", 6.0, 0),
        ]);
        assert_eq!(report.rows[0].best().unwrap().subject, "scc");
    }
}
