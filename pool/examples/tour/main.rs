//! A tour of the connection manager, part by part, with a line for each event of a connection's life.
//!
//!     cargo run --release -p pool --example tour
//!     cargo run --release -p pool --example tour -- crowd giving_up
//!
//! Shows all parts, or those named. Runs on an SQLite file in the folder for temporary files, or on any database
//! that `DATABASE_URL` names (with the feature of that database: `--features postgres`). Ends with a table of
//! what was seen, and with an error when anything is not as it says.

/// Says what is not as it should be.
macro_rules! ensure {
    ($condition:expr, $($what:tt)*) => {
        if !$condition {
            return Err(format!($($what)*).into());
        }
    };
}

mod adapting;
mod ageing;
mod borrowing;
mod breaker;
mod closing;
mod cluster;
mod crowd;
mod drill;
mod explaining;
mod giving_up;
mod health;
mod hooks;
mod leaks;
mod limits;
mod metrics;
mod priority;
mod relief;
mod replacing;
mod shrinking;
mod singleton;
mod spans;
mod tags;
mod tenants;
mod transactions;
mod warming;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use pool::{Config, ConnectionManager, Settings};
use sqlx::Any;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;

type Manager = ConnectionManager<Any>;

/// What was seen, for the table at the end; or what is not as it should be.
type Outcome<T = String> = Result<T, Box<dyn Error>>;

/// What a part has to go by.
pub(crate) struct Tour {
    /// Names the database. The manager of the process keeps ten connections, and twenty at most.
    pub(crate) config: Config<Any>,
}

/// A part of the tour. Each has a file, with a `TITLE` and a function `show`.
struct Part {
    name: &'static str,
    title: &'static str,
    show: for<'t> fn(&'t Tour) -> Pin<Box<dyn Future<Output = Outcome> + 't>>,
}

macro_rules! part {
    ($name:ident) => {
        Part {
            name: stringify!($name),
            title: $name::TITLE,
            show: |tour| Box::pin($name::show(tour)),
        }
    };
}

/// The parts in their order. The first counts on being first, and the last closes the manager of the process.
const PARTS: &[Part] = &[
    part!(singleton),
    part!(borrowing),
    part!(crowd),
    part!(transactions),
    part!(giving_up),
    part!(explaining),
    part!(replacing),
    part!(priority),
    part!(ageing),
    part!(tenants),
    part!(tags),
    part!(leaks),
    part!(limits),
    part!(breaker),
    part!(relief),
    part!(adapting),
    part!(warming),
    part!(shrinking),
    part!(health),
    part!(hooks),
    part!(drill),
    part!(cluster),
    part!(spans),
    part!(metrics),
    part!(closing),
];

impl Tour {
    /// The manager of this process.
    pub(crate) async fn manager(&self) -> Outcome<Manager> {
        Ok(Manager::get_or_init(self.config.clone()).await?)
    }

    /// A manager of a part's own, with so many connections at least and at most.
    pub(crate) async fn connect(
        &self,
        name: &str,
        min: usize,
        max: usize,
        change: impl FnOnce(&mut Settings),
    ) -> Outcome<Manager> {
        let config = self.config.clone().name(name).min(min).max(max);
        Ok(Manager::connect(config.set(change)).await?)
    }
}

/// Waits until so many connections are open, and idle.
pub(crate) async fn settle(manager: &Manager, expected: usize) -> Outcome<()> {
    for _ in 0..1000 {
        let stats = manager.stats();
        if (stats.open, stats.idle) == (expected, expected) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(format!("not {expected} connections: {:?}", manager.stats()).into())
}

#[tokio::main]
async fn main() -> ExitCode {
    let named: Vec<_> = std::env::args().skip(1).collect();
    match tour(&named).await {
        Ok(()) => {
            println!("\nThe tour is over, and everything was as it should be.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("\nFAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Shows the parts of these names, or all, and then the table.
async fn tour(named: &[String]) -> Outcome<()> {
    if let Some(unknown) = named.iter().find(|name| PARTS.iter().all(|part| part.name != **name)) {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        return Err(format!("there is no part '{unknown}', only {}", names.join(", ")).into());
    }
    // Each event is one line: the time since the start, the level, what happened, and to what. Spans are told
    // when they end.
    let lines = tracing_subscriber::fmt::layer()
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_span_events(FmtSpan::CLOSE)
        .with_target(false)
        .with_ansi(false);
    let of_the_pool = Targets::new().with_target("pool", tracing::Level::DEBUG);
    tracing_subscriber::registry().with(lines).with(of_the_pool).init();

    let folder = std::env::temp_dir().join(format!("pool-tour-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let url = std::env::var("DATABASE_URL")
        .unwrap_or_else(|_| format!("sqlite://{}/tour.db?mode=rwc", folder.display()));
    let config = Config::<Any>::new(&url)?.name("tour").min(10).max(20);
    let wanted = |part: &&Part| named.is_empty() || named.iter().any(|name| name == part.name);
    let shown = show(&Tour { config }, PARTS.iter().filter(wanted)).await;
    std::fs::remove_dir_all(&folder)?;
    match shown {
        0 => Ok(()),
        failed => Err(format!("{failed} parts are not as they should be").into()),
    }
}

/// Shows the parts, and then the table of what was seen. Answers how many have failed.
async fn show(tour: &Tour, parts: impl Iterator<Item = &Part>) -> usize {
    let (mut table, mut failed) = (String::new(), 0);
    for part in parts {
        println!("\n== {}: {}", part.name, part.title);
        let begun = Instant::now();
        let seen = match (part.show)(tour).await {
            Ok(seen) => seen,
            Err(error) => {
                failed += 1;
                println!("FAILED: {error}");
                format!("FAILED: {error}")
            }
        };
        let took = format!("{:.1?}", begun.elapsed());
        table += &format!("{:<14}{took:>10}  {seen}\n", part.name);
    }
    print!("\n{table}");
    failed
}

#[cfg(test)]
mod tests {
    /// With all features of the tests, which the command of the README does not have.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_part_is_as_it_says() {
        super::tour(&[]).await.unwrap();
    }
}
