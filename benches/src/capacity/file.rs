//! The file of input, and the flags of the same names: what a user says of a plan.

use std::path::{Path, PathBuf};

use rand_distr::LogNormal;
use serde::Deserialize;

use super::error::{InputError, wrong};
use super::input::Input;
use super::service::Service;
use super::{database, trace};
use crate::number::float;

/// The file of input. Every field may be left out, and every one has a flag.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct File {
    /// Calls a second, of all instances together.
    pub rate: Option<f64>,
    /// Calls in flight in an instance, beyond which it refuses new ones.
    pub concurrency: Option<usize>,
    /// Instances of the program, each with a pool of its own.
    pub instances: Option<usize>,
    /// The size that is configured, to be judged.
    pub size: Option<usize>,
    /// Connections that a caller holds at a time.
    pub held: Option<usize>,
    /// How long opening takes.
    pub connect_ms: Option<f64>,
    /// How long connections are held.
    pub service: ServiceFile,
    /// What is to hold.
    pub target: TargetFile,
    /// What the connections are to.
    pub server: ServerFile,
}

/// `[service]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceFile {
    /// constant, exponential, lognormal, trace or database.
    pub kind: Option<String>,
    /// The mean.
    pub mean_ms: Option<f64>,
    /// Of lognormal: the standard deviation divided by the mean.
    pub cv: Option<f64>,
    /// A file of recorded times.
    pub trace: Option<PathBuf>,
    /// Its column.
    pub column: Option<String>,
    /// What to run on the database.
    pub sql: Option<String>,
}

/// `[target]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetFile {
    /// How many per cent of the calls.
    pub quantile: Option<f64>,
    /// Wait no longer than this.
    pub wait_ms: Option<f64>,
}

/// `[server]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerFile {
    /// Connections that it takes.
    pub limit: Option<usize>,
    /// Of these, how many are not for this program.
    pub reserved: Option<usize>,
    /// Its processor's cores.
    pub cores: Option<usize>,
    /// Its disks.
    pub spindles: Option<usize>,
}

impl File {
    /// Reads a file. A trace that it names is looked up beside it.
    ///
    /// # Errors
    ///
    /// Names the file, and the line and field that are not right.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let wrong = |problem: String| InputError::File { path: path.to_owned(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let mut file: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if let (Some(trace), Some(folder)) = (&mut file.service.trace, path.parent()) {
            *trace = folder.join(&*trace);
        }
        Ok(file)
    }

    /// What is said here, and for the rest what `other` says.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            rate: self.rate.or(other.rate),
            concurrency: self.concurrency.or(other.concurrency),
            instances: self.instances.or(other.instances),
            size: self.size.or(other.size),
            held: self.held.or(other.held),
            connect_ms: self.connect_ms.or(other.connect_ms),
            service: ServiceFile {
                kind: self.service.kind.or(other.service.kind),
                mean_ms: self.service.mean_ms.or(other.service.mean_ms),
                cv: self.service.cv.or(other.service.cv),
                trace: self.service.trace.or(other.service.trace),
                column: self.service.column.or(other.service.column),
                sql: self.service.sql.or(other.service.sql),
            },
            target: TargetFile {
                quantile: self.target.quantile.or(other.target.quantile),
                wait_ms: self.target.wait_ms.or(other.target.wait_ms),
            },
            server: ServerFile {
                limit: self.server.limit.or(other.server.limit),
                reserved: self.server.reserved.or(other.server.reserved),
                cores: self.server.cores.or(other.server.cores),
                spindles: self.server.spindles.or(other.server.spindles),
            },
        }
    }

    /// Checks all fields, reads the trace or measures the database, and fills in what was left out.
    ///
    /// # Errors
    ///
    /// Names the first field that is not right.
    pub fn resolve(self, url: Option<&str>, quick: bool) -> Result<Input, InputError> {
        let instances = at_least_one("instances", self.instances)?.unwrap_or(1);
        let rate = positive("rate", self.rate)?.unwrap_or(1_000.0) / float(instances);
        let quantile = quantile(self.target.quantile)?;
        let wait_ms = positive("target.wait_ms", self.target.wait_ms)?.unwrap_or(5.0);
        let connect_ms = not_negative("connect_ms", self.connect_ms)?;
        let held = at_least_one("held", self.held)?.unwrap_or(1);
        let reserved = self.server.reserved.unwrap_or(0);
        let server_limit = at_least_one("server.limit", self.server.limit)?;
        let database = Reach {
            url,
            rate: rate * float(instances),
            most: server_limit.map_or(usize::MAX, |limit| limit.saturating_sub(reserved).max(1)),
            quick,
        };
        let (service, measured) = self.service.resolve(&database)?;
        let opened_in = measured.as_ref().map(|measured| measured.connect);
        let input = Input {
            rate,
            service,
            concurrency: at_least_one("concurrency", self.concurrency)?,
            quantile,
            wait_ms,
            instances,
            size: at_least_one("size", self.size)?,
            held,
            connect: connect_ms.map(|ms| ms / 1e3).or(opened_in).unwrap_or(0.02),
            server_limit,
            reserved,
            cores: at_least_one("server.cores", self.server.cores)?,
            spindles: self.server.spindles.unwrap_or(1),
            measured,
        };
        input.check()?;
        Ok(input)
    }
}

/// What measuring on a database needs to know beside the statements.
struct Reach<'u> {
    url: Option<&'u str>,
    rate: f64,
    most: usize,
    quick: bool,
}

impl ServiceFile {
    fn resolve(self, reach: &Reach) -> Result<(Service, Option<database::Measured>), InputError> {
        let mean = positive("service.mean_ms", self.mean_ms)?.map(|ms| ms / 1e3);
        let service = match (self.kind().as_str(), mean) {
            ("constant", Some(mean)) => Service::Constant(mean),
            ("lognormal", Some(mean)) => log_normal(mean, self.cv)?,
            ("constant" | "lognormal", None) => {
                return wrong("service.mean_ms", "is missing: the mean service time");
            }
            ("exponential", mean) => Service::Exponential(mean.unwrap_or(8e-3)),
            ("trace", _) => {
                let path = named("service.trace", self.trace, "the file of recorded times")?;
                let times = trace::read(&path, self.column.as_deref())?;
                Service::Samples { source: path.display().to_string(), times }
            }
            ("database", _) => {
                let sql = named("service.sql", self.sql, "what to run on the database")?;
                let (rate, most) = (reach.rate, reach.most);
                let measured = database::measure(reach.url, &sql, rate, most, reach.quick)?;
                return Ok((measured.service(), Some(measured)));
            }
            (other, _) => {
                let known = "constant, exponential, lognormal, trace or database";
                return wrong("service.kind", format!("no '{other}'; it may be {known}"));
            }
        };
        Ok((service, None))
    }

    /// What was named, or what is meant by naming a trace or statements.
    fn kind(&self) -> String {
        let meant = match (&self.trace, &self.sql) {
            (Some(_), _) => "trace",
            (_, Some(_)) => "database",
            _ => "exponential",
        };
        self.kind.clone().unwrap_or_else(|| meant.to_owned())
    }
}

fn named<T>(field: &'static str, value: Option<T>, what: &str) -> Result<T, InputError> {
    value.map_or_else(|| wrong(field, format!("is missing: {what}")), Ok)
}

fn log_normal(mean: f64, cv: Option<f64>) -> Result<Service, InputError> {
    let cv = positive("service.cv", cv)?.unwrap_or(1.0);
    match LogNormal::from_mean_cv(mean, cv) {
        Ok(draws) => Ok(Service::LogNormal { mean, cv, draws }),
        Err(error) => wrong("service.cv", error.to_string()),
    }
}

fn quantile(percent: Option<f64>) -> Result<f64, InputError> {
    match percent.unwrap_or(99.0) {
        percent if percent > 0.0 && percent < 100.0 => Ok(percent),
        other => wrong("target.quantile", format!("{other} is no per cent above 0 and below 100")),
    }
}

fn positive(field: &'static str, value: Option<f64>) -> Result<Option<f64>, InputError> {
    match value {
        Some(value) if !(value.is_finite() && value > 0.0) => {
            wrong(field, format!("{value} is not above 0"))
        }
        value => Ok(value),
    }
}

fn not_negative(field: &'static str, value: Option<f64>) -> Result<Option<f64>, InputError> {
    match value {
        Some(value) if !(value.is_finite() && value >= 0.0) => {
            wrong(field, format!("{value} is not 0 or above"))
        }
        value => Ok(value),
    }
}

fn at_least_one(field: &'static str, value: Option<usize>) -> Result<Option<usize>, InputError> {
    match value {
        Some(0) => wrong(field, "0 is too few: 1 at least"),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Input, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let read = File::read(file.path());
        read.and_then(|file| file.resolve(None, true)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_a_plan_too() {
        let input = resolve("").unwrap();
        assert_eq!((input.rate, input.offered(), input.least()), (1_000.0, 8.0, 9));
    }

    #[test]
    fn the_example_is_right() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("capacity.example.toml");
        let input = File::read(&path).unwrap().resolve(None, true).unwrap();
        assert_eq!((input.instances, input.share(2), input.share(3)), (2, Some(48), Some(32)));
    }

    #[test]
    fn loads_limits_and_floors_are_an_instances() {
        let input = resolve(
            "rate = 900\ninstances = 3\nconcurrency = 10\nheld = 3\n[service]\nmean_ms = 10\n\
             [server]\nlimit = 100\nreserved = 4\ncores = 8\nspindles = 2",
        )
        .unwrap();
        assert_eq!((input.rate, input.offered()), (300.0, 9.0));
        assert_eq!(input.share(3), Some(32));
        assert_eq!((input.deadlock_floor(), input.hikari()), (Some(21), Some(6)));
    }

    #[test]
    fn a_trace_is_looked_up_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("times.csv"), "2\n4\n").unwrap();
        let file = folder.path().join("plan.toml");
        std::fs::write(&file, "[service]\ntrace = 'times.csv'").unwrap();
        let input = File::read(&file).unwrap().resolve(None, true).unwrap();
        assert_eq!(input.service.mean(), 3e-3);
    }

    #[test]
    fn wrong_input_names_the_field() {
        for (text, named) in [
            ("rate = -5", "rate: -5 is not above 0"),
            ("rate = nan", "rate: NaN is not above 0"),
            ("rate = 'many'", "line 1"),
            ("rat = 5", "unknown field `rat`"),
            ("\n[server]\nlimits = 5", "line 3"),
            ("rate = 1e9", "rate: 8000000 connections would be busy"),
            ("instances = 0", "instances: 0 is too few"),
            ("concurrency = 0", "concurrency: 0"),
            ("size = 8", "size: 8 connections serve 1000 calls a second"),
            ("size = 4", "at a utilisation of 2.00 waits grow for ever"),
            ("connect_ms = -1", "connect_ms: -1 is not 0 or above"),
            ("held = 2", "held: callers that hold several"),
            ("[server]\nlimit = 8", "server.limit: 8 connections serve"),
            ("instances = 9\n[server]\nlimit = 12\nreserved = 4", "server.limit: leaves no"),
            ("[target]\nquantile = 100", "target.quantile: 100 is no per cent"),
            ("[target]\nwait_ms = 0", "target.wait_ms: 0 is not above 0"),
            ("[service]\nkind = 'normal'", "service.kind: no 'normal'"),
            ("[service]\nkind = 'constant'", "service.mean_ms: is missing"),
            ("[service]\nkind = 'trace'", "service.trace: is missing"),
            ("[service]\nkind = 'database'", "service.sql: is missing"),
            ("[service]\nsql = 'SELECT 1'", "DATABASE_URL: is not set"),
            ("[service]\nkind = 'lognormal'\nmean_ms = 2\ncv = -1", "service.cv: -1"),
            ("[service]\nmean_ms = 1e-9", "service.mean_ms: 0.000000001 ms is less"),
            ("[service]\ntrace = 'no-such.csv'", "no-such.csv: "),
        ] {
            let error = resolve(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        let error = File::read(Path::new("no-such.toml")).unwrap_err().to_string();
        assert!(error.starts_with("--input no-such.toml: "), "{error}");
    }

    #[test]
    fn a_limit_on_callers_allows_any_load() {
        let input = resolve("size = 4\nconcurrency = 30").unwrap();
        assert!(input.is_stable(4, 1_000.0) && input.least() == 1);
    }
}
