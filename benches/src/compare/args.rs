//! The command line.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::rows::{self, ROWS, Row, Scale};
use crate::subjects;

/// What `--help` prints.
pub const HELP: &str = "\
The map beside its peers: nanoseconds of each, and each one's time divided by ours.

    cargo bench -p benches --bench compare -- [OPTIONS]

    --rows A,B,..      only these rows (--list names them)
    --subjects A,B,..  only these maps; ours always runs (--list names them)
    --entries N        entries in the map; 1k, 10M and the like are understood  [100k]
    --threads N        threads, in rows that are not of 1 thread  [2]
    --rounds N         rounds; in each, every map does every row once  [3]
    --calls N          calls in a trial  [--entries, but 100k at least and 500k at most]
    --full             1M entries, 5 rounds: some minutes, where half of one does otherwise
    --floor FILE       fail when a ratio is below its floor. Lines: ROW PEER RATIO,
                       where PEER 'best' is the best concurrent peer; '#' begins a comment
    --json FILE        write all figures
    --html FILE        write a page with plots
    --svg FILE         write the plot of the first row, as a picture by itself
    --list             print rows and maps
    --help             print this

Cargo runs benches in the folder benches/: a FILE without a leading / is looked up there.
Exits with 0; with 1 when a floor or an answer of ours does not hold; with 2 on wrong input.
";

/// What is asked for.
#[derive(Debug)]
pub enum Request {
    /// The text of `--help`.
    Help,
    /// The names of rows and maps.
    List,
    /// A run.
    Run(Args),
}

/// A run.
#[derive(Debug)]
pub struct Args {
    /// Which rows.
    pub rows: Vec<&'static Row>,
    /// Which maps beside ours; all if empty.
    pub subjects: Vec<String>,
    /// How large, how long, how many threads.
    pub scale: Scale,
    /// How many rounds.
    pub rounds: usize,
    /// The file of floors.
    pub floor: Option<PathBuf>,
    /// Where to write JSON.
    pub json: Option<PathBuf>,
    /// Where to write the page.
    pub html: Option<PathBuf>,
    /// Where to write the first row's plot.
    pub svg: Option<PathBuf>,
}

impl Args {
    /// Whether the map of this name takes part.
    #[must_use]
    pub fn wants(&self, subject: &str) -> bool {
        subject == subjects::OURS
            || self.subjects.is_empty()
            || self.subjects.iter().any(|wanted| wanted == subject)
    }
}

/// What flags have said so far.
#[derive(Default)]
struct Flags {
    rows: Vec<&'static Row>,
    subjects: Vec<String>,
    entries: Option<usize>,
    calls: Option<usize>,
    threads: Option<usize>,
    rounds: Option<usize>,
    full: bool,
    measure: bool,
    files: [Option<PathBuf>; 4],
}

/// Reads the command line. Without `--bench`, which `cargo bench` adds and `cargo test` does not, a run is
/// small enough for a test.
///
/// # Errors
///
/// A sentence that names the flag.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    tool: PathBuf,
) -> Result<Request, String> {
    let mut flags = Flags::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(text)? {
        let flag = match argument {
            Long("help") | Short('h') => return Ok(Request::Help),
            Long("list") => return Ok(Request::List),
            Long(flag) => format!("--{flag}"),
            Short(flag) => return Err(format!("-{flag}: no such flag (see --help)")),
            Value(value) => return Err(format!("{}: flags only (see --help)", value.display())),
        };
        flags.take(&flag, &mut parser)?;
    }
    Ok(Request::Run(flags.finish(tool)))
}

impl Flags {
    fn take(&mut self, flag: &str, parser: &mut lexopt::Parser) -> Result<(), String> {
        let mut value = || parser.value().map_err(|_| format!("{flag} needs a value"));
        match flag {
            "--bench" => self.measure = true,
            "--full" => self.full = true,
            "--rows" => self.rows = names(flag, value()?, rows::find)?,
            "--subjects" => self.subjects = names(flag, value()?, subject)?,
            "--entries" => self.entries = Some(at_least(100, flag, value()?)?),
            "--calls" => self.calls = Some(at_least(100, flag, value()?)?),
            "--threads" => self.threads = Some(at_least(1, flag, value()?)?),
            "--rounds" => self.rounds = Some(at_least(1, flag, value()?)?),
            "--floor" => self.files[0] = Some(value()?.into()),
            "--json" => self.files[1] = Some(value()?.into()),
            "--html" => self.files[2] = Some(value()?.into()),
            "--svg" => self.files[3] = Some(value()?.into()),
            _ => return Err(format!("{flag}: no such flag (see --help)")),
        }
        Ok(())
    }

    fn finish(self, tool: PathBuf) -> Args {
        let (entries, calls, rounds) = match (self.measure, self.full) {
            (false, _) => (1_000, Some(2_000), 1),
            (true, false) => (100_000, None, 3),
            (true, true) => (1_000_000, None, 5),
        };
        let entries = self.entries.unwrap_or(entries);
        let calls = self.calls.or(calls).unwrap_or(entries.clamp(100_000, 500_000));
        let threads = self.threads.unwrap_or(2);
        let [floor, json, html, svg] = self.files;
        Args {
            rows: if self.rows.is_empty() { ROWS.iter().collect() } else { self.rows },
            subjects: self.subjects,
            scale: Scale { entries, calls, threads, tool },
            rounds: self.rounds.unwrap_or(rounds),
            floor,
            json,
            html,
            svg,
        }
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

/// A list of names, each of which must be known.
fn names<T>(flag: &str, list: OsString, find: fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let list = list.string().map_err(|error| format!("{flag}: {error}"))?;
    let known = |name: &str| find(name).ok_or(format!("{flag}: no '{name}' (see --list)"));
    list.split(',').map(known).collect()
}

fn subject(name: &str) -> Option<String> {
    subjects::NAMES.contains(&name).then(|| name.to_owned())
}

/// A count such as 250000, 250_000, 250k or 1M.
fn at_least(least: usize, flag: &str, value: OsString) -> Result<usize, String> {
    let text = value.string().map_err(|error| format!("{flag}: {error}"))?;
    let (digits, times) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text.as_str(), 1), |digits| (digits, 1_000_000)),
    };
    let count = usize::from_str(&digits.replace('_', "")).ok().and_then(|n| n.checked_mul(times));
    match count {
        Some(count) if count > 4_000_000_000 => Err(format!("{flag} {text}: too many")),
        Some(count) if count >= least => Ok(count),
        Some(_) => Err(format!("{flag} {text}: must be {least} at least")),
        None => Err(format!("{flag} {text}: not a count such as 1000, 100k or 1M")),
    }
}

/// Prints the names of rows and maps.
pub fn list() {
    println!("rows:");
    for row in &ROWS {
        println!("    {:<18} {} ({})", row.id, row.title, row.unit.name());
    }
    println!("maps:\n    {}", subjects::NAMES.join("\n    "));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Args, String> {
        let arguments = line.split_whitespace().map(OsString::from);
        match parse(arguments, PathBuf::new())? {
            Request::Run(args) => Ok(args),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn counts_have_suffixes() {
        let args = run("--bench --entries 10M --threads 8 --rounds 7").unwrap();
        assert_eq!(args.scale.entries, 10_000_000);
        assert_eq!(args.scale.calls, 500_000);
        assert_eq!((args.scale.threads, args.rounds), (8, 7));
        assert_eq!(run("--bench --entries 1k").unwrap().scale.calls, 100_000);
    }

    #[test]
    fn without_bench_a_run_is_small() {
        let args = run("").unwrap();
        assert_eq!((args.scale.entries, args.rounds, args.rows.len()), (1_000, 1, ROWS.len()));
    }

    #[test]
    fn rows_and_subjects_are_chosen_by_name() {
        let args = run("--rows get,churn --subjects scc").unwrap();
        assert_eq!(args.rows.iter().map(|row| row.id).collect::<Vec<_>>(), ["get", "churn"]);
        assert!(args.wants("ours") && args.wants("scc") && !args.wants("ferntree"));
    }

    #[test]
    fn wrong_input_names_the_flag() {
        for (line, named) in [
            ("--entries -3", "--entries"),
            ("--entries 99", "--entries 99"),
            ("--threads 0", "--threads 0"),
            ("--rounds", "--rounds"),
            ("--rows get,got", "got"),
            ("--subjects no-such-map", "no-such-map"),
            ("--fast", "--fast"),
            ("-x", "-x"),
            ("stray", "stray"),
        ] {
            let error = run(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
