//! Service times measured on the user's own database, with the user's own statements.
//!
//! The real pool runs them from one connection on, then two, four and so on, and never stops for a pause: how
//! long they take depends on how many run beside. The plan uses the times of the least number of connections that
//! serve the whole load.

use std::time::{Duration, Instant};

use pool::{Config, ConnectionManager};
use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection, Database, Executor, IntoArguments};

use super::error::{InputError, wrong};
use super::knee::{Knee, Step};
use super::service::Service;
use crate::number::{float, median};

/// Connections beyond which no more are tried, whatever the server takes.
const MOST: usize = 64;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Which kind of database it is.
    pub database: &'static str,
    /// How long opening a connection took, in seconds: the median of five.
    pub connect: f64,
    /// Throughput against connections that run statements without a pause.
    pub knee: Knee,
    /// At how many connections the service times were taken.
    pub taken_at: usize,
    /// These times, in seconds.
    #[serde(skip)]
    times: Vec<f64>,
}

impl Measured {
    /// The times as a distribution.
    #[must_use]
    pub fn service(&self) -> Service {
        let source = format!("statements on {} by {} connections", self.database, self.taken_at);
        Service::Samples { source, times: self.times.clone() }
    }
}

/// Measures on the database of this URL, for this many calls a second, by so many connections at most.
///
/// # Errors
///
/// When there is no URL, no such kind of database, no connection, or the statements fail.
pub fn measure(
    url: Option<&str>,
    sql: &str,
    rate: f64,
    most: usize,
    quick: bool,
) -> Result<Measured, InputError> {
    let Some(url) = url else {
        let problem = "is not set, and service.kind is database";
        return Err(InputError::Database(problem.into()));
    };
    let time = Duration::from_millis(if quick { 150 } else { 600 });
    let steps = Steps { sql, rate, most: most.min(MOST), time };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be started");
    match url.split(':').next().unwrap_or_default() {
        "sqlite" => runtime.block_on(steps.on::<sqlx::Sqlite>(url, "SQLite")),
        "postgres" | "postgresql" => {
            runtime.block_on(steps.on::<sqlx::Postgres>(url, "PostgreSQL"))
        }
        "mysql" | "mariadb" => runtime.block_on(steps.on::<sqlx::MySql>(url, "MySQL")),
        other => Err(InputError::Database(format!(
            "'{other}:' is no kind of database known here: sqlite, postgres, mysql"
        ))),
    }
}

struct Steps<'s> {
    sql: &'s str,
    rate: f64,
    most: usize,
    time: Duration,
}

impl Steps<'_> {
    async fn on<DB: Database>(&self, url: &str, name: &'static str) -> Result<Measured, InputError>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        DB::Arguments: IntoArguments<DB>,
    {
        let connect = opening::<DB>(url).await?;
        let (mut steps, mut taken) = (Vec::new(), None);
        let mut connections = 1;
        while connections <= self.most {
            eprint!("\rmeasuring {name} with {connections} connections   ");
            let times = self.step::<DB>(url, connections).await?;
            let throughput = float(times.len()) / self.time.as_secs_f64();
            let mean = times.iter().sum::<f64>() / float(times.len());
            steps.push(Step { concurrency: connections, throughput, service_ms: mean * 1e3 });
            if taken.is_none() && throughput >= self.rate {
                taken = Some((connections, times));
            } else if taken.is_none() && connections * 2 > self.most {
                taken = Some(self.at_the_knee::<DB>(url, &steps).await?);
            }
            connections *= 2;
        }
        eprintln!();
        let (taken_at, times) = taken.expect("the last step takes what none before has");
        Ok(Measured { database: name, connect, knee: Knee::of(steps), taken_at, times })
    }

    /// No number of connections serves the load: the plan will say so, with the best there is.
    async fn at_the_knee<DB: Database>(
        &self,
        url: &str,
        steps: &[Step],
    ) -> Result<(usize, Vec<f64>), InputError>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        DB::Arguments: IntoArguments<DB>,
    {
        let knee = Knee::of(steps.to_vec()).at;
        Ok((knee, self.step::<DB>(url, knee).await?))
    }

    /// The times of all statements that so many connections run one after the other.
    async fn step<DB: Database>(
        &self,
        url: &str,
        connections: usize,
    ) -> Result<Vec<f64>, InputError>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
        DB::Arguments: IntoArguments<DB>,
    {
        let config = Config::<DB>::new(url).map_err(|error| failed(&error))?;
        let manager = ConnectionManager::connect(config.min(0).max(connections))
            .await
            .map_err(|error| failed(&error))?;
        let borrow = |manager: ConnectionManager<DB>, sql: String, time: Duration| async move {
            let mut connection = manager.acquire().await.map_err(|error| failed(&error))?;
            // Once before the clock starts: the server parses and reads what it keeps then.
            run::<DB>(&mut connection, &sql).await?;
            let (begun, mut times) = (Instant::now(), Vec::new());
            while times.is_empty() || begun.elapsed() < time {
                let started = Instant::now();
                run::<DB>(&mut connection, &sql).await?;
                times.push(started.elapsed().as_secs_f64());
            }
            Ok(times)
        };
        let tasks: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(borrow(manager.clone(), self.sql.to_owned(), self.time)))
            .collect();
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.expect("no task panics")?);
        }
        // How closing goes is of no interest here.
        let _ = manager.close(Duration::from_secs(1)).await;
        Ok(all)
    }
}

async fn run<DB: Database>(connection: &mut DB::Connection, sql: &str) -> Result<(), InputError>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
{
    let statement = sqlx::query(AssertSqlSafe(sql.to_owned()));
    match statement.fetch_all(connection).await {
        Ok(_) => Ok(()),
        Err(error) => wrong("service.sql", error.to_string()),
    }
}

/// How long opening takes: the median of five.
async fn opening<DB: Database>(url: &str) -> Result<f64, InputError> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let limit = tokio::time::timeout(Duration::from_secs(5), DB::Connection::connect(url));
        let connection = match limit.await {
            Ok(opened) => opened.map_err(|error| failed(&error))?,
            Err(_) => return Err(InputError::Database("no connection within 5 s".into())),
        };
        times.push(begun.elapsed().as_secs_f64());
        // How closing goes is of no interest here.
        let _ = connection.close().await;
    }
    Ok(median(&mut times))
}

fn failed(error: &dyn std::error::Error) -> InputError {
    InputError::Database(error.to_string())
}
