//! The command line. A flag and the field of its name in the file say the same; the flag wins.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use lexopt::prelude::{Long, Short, Value, ValueExt};

use super::file::File;
use super::runner::{Peer, Scale};

/// What `--help` prints.
pub const HELP: &str = "\
How many connections are needed? Drives the real pool through sizes and loads, and says.

    cargo bench -p benches --bench capacity -- [OPTIONS]

What the plan is for; each may be a field of the file, too (capacity.example.toml has all):
    --input FILE         a file of TOML; flags win over its fields
    --rate N             calls a second, of all instances together  [1000]
    --service KIND       constant, exponential, lognormal, trace or database  [exponential]
    --mean-ms X          mean service time: how long a call holds its connection  [8]
    --cv X               of lognormal: standard deviation divided by mean  [1]
    --trace FILE         recorded service times: comma-separated values, in milliseconds
    --column NAME        their column  [the first]
    --sql TEXT           measure this on the database of DATABASE_URL (SQLite, PostgreSQL, MySQL)
    --quantile P         the target is for so many per cent of the calls  [99]
    --wait-ms X          of which none may wait longer than this  [5]
    --concurrency N      calls in flight at an instance, beyond which it refuses  [no limit]
    --held N             connections that a caller holds at a time  [1]
    --instances N        instances of the program, each with a pool  [1]
    --server-limit N     connections that the server takes  [no limit]
    --reserved N         of these, not for this program  [0]
    --cores N            the server's cores, for HikariCP's rule of thumb
    --spindles N         its disks, for the same  [1]
    --connect-ms X       how long opening takes  [20, or as measured]
    --size N             the size that is configured

How it is made:
    --compare A,B,..     plan the same for sqlx, deadpool, deadpool+t, bb8
    --gate               fail if --size does not hold the target
    --quick              shorter runs: some seconds
    --real-time          by the wall's clock: what code costs counts, and runs take as long as they say
    --seconds X          with --real-time: how long a run takes  [3]
    --out FOLDER         where to write capacity.html, .json and .csv  [target/capacity]
    --help               print this

Cargo runs benches in the folder benches/: a FILE without a leading / is looked up there.
Exits with 0; with 1 when the gate fails; with 2 on wrong input.
";

/// What is asked for.
#[derive(Debug)]
pub enum Request {
    /// The text of `--help`.
    Help,
    /// A plan.
    Plan(Box<Args>),
}

/// A plan, as it was asked for.
#[derive(Debug, Default)]
pub struct Args {
    /// What flags say of the plan's input.
    pub flags: File,
    /// The file that says the rest.
    pub input: Option<PathBuf>,
    /// Pools to compare with.
    pub peers: Vec<Peer>,
    /// Whether the configured size is judged.
    pub gate: bool,
    /// Whether runs are short.
    pub quick: bool,
    /// Whether `cargo bench` asks: a test is content with less.
    pub measure: bool,
    /// By the wall's clock, for so many seconds a run.
    pub real_time: bool,
    /// See there.
    pub seconds: Option<f64>,
    /// Where to write.
    pub out: Option<PathBuf>,
}

impl Args {
    /// How long runs are.
    #[must_use]
    pub fn scale(&self) -> Scale {
        match (self.measure, self.quick) {
            (false, _) => Scale::TINY,
            (true, true) => Scale::QUICK,
            (true, false) => Scale::FULL,
        }
    }
}

/// Reads the command line.
///
/// # Errors
///
/// A sentence that names the flag.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut args = Box::<Args>::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        let flag = match argument {
            Long("help") | Short('h') => return Ok(Request::Help),
            Long(flag) => format!("--{flag}"),
            Short(flag) => return Err(format!("-{flag}: no such flag (see --help)")),
            Value(value) => return Err(format!("{}: flags only (see --help)", value.display())),
        };
        args.take(&flag, &mut parser)?;
    }
    if args.seconds.is_some() && !args.real_time {
        return Err("--seconds: only with --real-time".into());
    }
    Ok(Request::Plan(args))
}

impl Args {
    fn take(&mut self, flag: &str, parser: &mut lexopt::Parser) -> Result<(), String> {
        let of = &mut self.flags;
        let mut value = || parser.value().map_err(|_| format!("{flag} needs a value"));
        match flag {
            "--bench" => self.measure = true,
            "--gate" => self.gate = true,
            "--quick" => self.quick = true,
            "--real-time" => self.real_time = true,
            "--seconds" => self.seconds = Some(seconds(flag, value()?)?),
            "--input" => self.input = Some(value()?.into()),
            "--out" => self.out = Some(value()?.into()),
            "--compare" => self.peers = peers(flag, value()?)?,
            "--rate" => of.rate = Some(number(flag, value()?)?),
            "--service" => of.service.kind = Some(text(flag, value()?)?),
            "--mean-ms" => of.service.mean_ms = Some(number(flag, value()?)?),
            "--cv" => of.service.cv = Some(number(flag, value()?)?),
            "--trace" => of.service.trace = Some(value()?.into()),
            "--column" => of.service.column = Some(text(flag, value()?)?),
            "--sql" => of.service.sql = Some(text(flag, value()?)?),
            "--quantile" => of.target.quantile = Some(number(flag, value()?)?),
            "--wait-ms" => of.target.wait_ms = Some(number(flag, value()?)?),
            "--concurrency" => of.concurrency = Some(number(flag, value()?)?),
            "--held" => of.held = Some(number(flag, value()?)?),
            "--instances" => of.instances = Some(number(flag, value()?)?),
            "--server-limit" => of.server.limit = Some(number(flag, value()?)?),
            "--reserved" => of.server.reserved = Some(number(flag, value()?)?),
            "--cores" => of.server.cores = Some(number(flag, value()?)?),
            "--spindles" => of.server.spindles = Some(number(flag, value()?)?),
            "--connect-ms" => of.connect_ms = Some(number(flag, value()?)?),
            "--size" => of.size = Some(number(flag, value()?)?),
            _ => return Err(format!("{flag}: no such flag (see --help)")),
        }
        Ok(())
    }
}

fn text(flag: &str, value: OsString) -> Result<String, String> {
    value.string().map_err(|error| format!("{flag}: {error}"))
}

fn number<T: FromStr>(flag: &str, value: OsString) -> Result<T, String> {
    let text = text(flag, value)?;
    text.replace('_', "").parse().map_err(|_| format!("{flag} {text}: not such a number"))
}

fn seconds(flag: &str, value: OsString) -> Result<f64, String> {
    match number(flag, value)? {
        seconds if (0.1..=600.0).contains(&seconds) => Ok(seconds),
        seconds => Err(format!("{flag} {seconds}: must be 0.1 at least and 600 at most")),
    }
}

fn peers(flag: &str, list: OsString) -> Result<Vec<Peer>, String> {
    let known = |name: &str| {
        let there = Peer::PEERS.map(Peer::name).join(", ");
        let found = Peer::PEERS.into_iter().find(|peer| peer.name() == name);
        found.ok_or(format!("{flag}: no pool '{name}'; there are: {there}"))
    };
    text(flag, list)?.split(',').map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Result<Args, String> {
        match parse(line.split_whitespace().map(OsString::from))? {
            Request::Plan(args) => Ok(*args),
            Request::Help => Err("help".into()),
        }
    }

    #[test]
    fn flags_fill_the_fields_of_the_file_and_win_over_it() {
        let args = args("--rate 2_000 --mean-ms 4 --server-limit 90 --compare sqlx,bb8").unwrap();
        assert_eq!(args.peers, [Peer::Sqlx, Peer::Bb8]);
        let file: File =
            toml::from_str("rate = 5\nsize = 7\n[service]\ncv = 2\nmean_ms = 9").unwrap();
        let all = args.flags.or(file);
        assert_eq!((all.rate, all.size, all.service.cv), (Some(2e3), Some(7), Some(2.0)));
        assert_eq!((all.service.mean_ms, all.server.limit), (Some(4.0), Some(90)));
    }

    #[test]
    fn wrong_input_names_the_flag() {
        for (line, named) in [
            ("--rate", "--rate needs a value"),
            ("--rate many", "--rate many: not such a number"),
            ("--size -3", "--size -3: not such a number"),
            ("--compare sqlx,hikari", "--compare: no pool 'hikari'; there are: sqlx, deadpool"),
            ("--compare qp", "no pool 'qp'"),
            ("--seconds 2", "--seconds: only with --real-time"),
            ("--real-time --seconds 0", "--seconds 0: must be 0.1"),
            ("--fast", "--fast: no such flag"),
            ("-x", "-x: no such flag"),
            ("stray", "stray: flags only"),
        ] {
            let error = args(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
