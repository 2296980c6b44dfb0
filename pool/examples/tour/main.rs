//! A tour of the connection manager, with a line for each event of a connection's life.
//!
//!     cargo run --release -p pool --example tour
//!
//! Runs on an SQLite file in the folder for temporary files, or on any database that `DATABASE_URL` names
//! (with the feature of that database: `--features postgres`). Exits with an error when anything is not as
//! it says.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pool::{Config, ConnectionManager, Error, Reason, Stats, Times};
use sqlx::{Any, Executor};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

type Manager = ConnectionManager<Any>;
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Says what is not as it should be.
macro_rules! ensure {
    ($condition:expr, $($what:tt)*) => {
        if !$condition {
            return Err(format!($($what)*).into());
        }
    };
}

#[tokio::main]
async fn main() -> ExitCode {
    // Each event is one line: the time since the start, the level, what happened, and to what.
    let lines = tracing_subscriber::fmt::layer()
        .with_timer(tracing_subscriber::fmt::time::uptime())
        .with_target(false)
        .with_ansi(false);
    let of_the_pool = Targets::new().with_target("pool", tracing::Level::DEBUG);
    tracing_subscriber::registry().with(lines).with(of_the_pool).init();
    match tour().await {
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

async fn tour() -> Outcome {
    let folder = std::env::temp_dir().join(format!("pool-tour-{}", std::process::id()));
    let url = match std::env::var("DATABASE_URL") {
        Ok(url) => url,
        Err(_) => {
            std::fs::create_dir_all(&folder)?;
            format!("sqlite://{}/tour.db?mode=rwc", folder.display())
        }
    };
    let outcome = stops(&url).await;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    outcome
}

async fn stops(url: &str) -> Outcome {
    let begun = Instant::now();
    let config = Config::<Any>::new(url)?.name("tour").min(10).max(20);
    let manager = singleton(&config).await?;
    borrowing(&manager).await?;
    fifty_over_twenty(&manager).await?;
    transactions(&manager).await?;
    giving_up(&manager).await?;
    why_there_is_none(&manager).await?;
    expiry_renewal_reset(&manager).await?;
    shrinking(&config).await?;
    health(&config).await?;
    let stats = manager.stats();
    closing(&manager, config).await?;
    table(&stats, begun.elapsed());
    Ok(())
}

fn stop(title: &str) {
    println!("\n== {title}");
}

async fn singleton(config: &Config<Any>) -> Result<Manager, Box<dyn std::error::Error>> {
    stop("One manager for the process, though a hundred tasks ask for it at once");
    let racers: Vec<_> =
        (0..100).map(|_| tokio::spawn(Manager::get_or_init(config.clone()))).collect();
    let mut managers = Vec::new();
    for racer in racers {
        managers.push(racer.await??);
    }
    let manager = managers.swap_remove(0);
    let _held = manager.acquire().await?;
    let all_see_it = managers.iter().all(|manager| manager.stats().in_use == 1);
    ensure!(all_see_it && manager.stats().created == 10, "more than one manager was built");
    Ok(manager)
}

async fn borrowing(manager: &Manager) -> Outcome {
    stop("Borrowing: a guard gives its connection back when it is dropped");
    let mut connection = manager.acquire().await?;
    let id = connection.id();
    let one: i64 =
        sqlx::query_scalar("SELECT CAST(1 AS BIGINT)").fetch_one(&mut *connection).await?;
    drop(connection);
    ensure!(one == 1, "SELECT 1 is {one}");
    let again = manager.acquire().await?;
    ensure!(again.id() == id, "the lowest place is used again, to keep few connections warm");
    again.release().await?;
    // A manager takes the place of sqlx's pool, too.
    let two: i64 = sqlx::query_scalar("SELECT CAST(2 AS BIGINT)").fetch_one(manager).await?;
    ensure!(two == 2 && manager.stats().in_use == 0, "a query on the manager itself");
    Ok(())
}

async fn fifty_over_twenty(manager: &Manager) -> Outcome {
    stop("Fifty requests of 10 ms over twenty connections: opened as needed, served in turn");
    let begun = Instant::now();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move {
                let mut connection = manager.acquire().await?;
                connection.execute("SELECT 1").await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok::<_, sqlx::Error>(())
            })
        })
        .collect();
    for request in requests {
        request.await??;
    }
    let stats = manager.stats();
    println!("all fifty served in {:.1?}, {} connections opened", begun.elapsed(), stats.created);
    ensure!(stats.created <= 20, "{} connections were opened for a maximum of 20", stats.created);
    ensure!(stats.closed_total() == 0, "a connection was opened only to be closed");
    Ok(())
}

async fn transactions(manager: &Manager) -> Outcome {
    stop(
        "Transactions: committed, and rolled back when they are dropped or their begin is cut short",
    );
    manager.execute("DROP TABLE IF EXISTS pool_tour").await?;
    manager.execute("CREATE TABLE pool_tour (n BIGINT)").await?;
    let mut kept = manager.begin().await?;
    kept.execute("INSERT INTO pool_tour VALUES (1)").await?;
    kept.commit().await?;
    let mut dropped = manager.begin().await?;
    dropped.execute("INSERT INTO pool_tour VALUES (2)").await?;
    drop(dropped);
    for micros in [0, 10, 50, 200] {
        // Whether it has begun or not when the time is over: nothing is left open.
        let _ = tokio::time::timeout(Duration::from_micros(micros), manager.begin()).await;
    }
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pool_tour").fetch_one(manager).await?;
    ensure!(rows == 1, "{rows} rows are there, not the one that was committed");
    manager.execute("DROP TABLE pool_tour").await?;
    Ok(())
}

async fn giving_up(manager: &Manager) -> Outcome {
    stop("A thousand callers that give up at random lose no connection and no turn");
    let callers: Vec<_> = (0..1000_u64)
        .map(|n| {
            let manager = manager.clone();
            tokio::spawn(async move {
                let patience = Duration::from_micros(n * 7919 % 1500);
                let served = tokio::time::timeout(patience, async {
                    let _held = manager.acquire().await?;
                    tokio::time::sleep(Duration::from_micros(300)).await;
                    Ok::<_, Error>(())
                });
                served.await.is_ok()
            })
        })
        .collect();
    let mut served = 0;
    for caller in callers {
        served += u32::from(caller.await?);
    }
    println!("{served} were served, {} gave up", 1000 - served);
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(manager.acquire_timeout(Duration::from_secs(5)).await?);
    }
    ensure!(manager.stats().in_use == 20, "not all places can be used again");
    Ok(())
}

async fn why_there_is_none(manager: &Manager) -> Outcome {
    stop("No connection in time: the error says who has them, and for how long");
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(manager.acquire().await?);
    }
    match manager.acquire_timeout(Duration::from_millis(20)).await {
        Err(error @ Error::Timeout { .. }) => println!("{error}"),
        other => return Err(format!("not a time-out: {other:?}").into()),
    }
    Ok(())
}

async fn expiry_renewal_reset(manager: &Manager) -> Outcome {
    stop("Expire now: the idle are closed, the borrowed when they come back");
    let borrowed = manager.acquire().await?;
    manager.expire_now().await;
    borrowed.release().await?;
    settle(manager, 10).await?;
    stop("Renew: filled up to the maximum");
    ensure!(manager.renew().await? == 10, "not filled up");
    stop("Reset: nobody is interrupted, and the count is back at the minimum");
    let mut borrowed = manager.acquire().await?;
    manager.reset().await?;
    borrowed.execute("SELECT 1").await?;
    borrowed.release().await?;
    settle(manager, 10).await?;
    let closed = manager.stats().closed;
    ensure!(closed[&Reason::Reset] == 20, "a reset has closed {} of 20", closed[&Reason::Reset]);
    Ok(())
}

/// Waits until so many connections are open, and idle.
async fn settle(manager: &Manager, expected: usize) -> Outcome {
    for _ in 0..1000 {
        let stats = manager.stats();
        if (stats.open, stats.idle) == (expected, expected) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(format!("not {expected} connections: {:?}", manager.stats()).into())
}

async fn shrinking(config: &Config<Any>) -> Outcome {
    stop("Maintenance: a quiet pool shrinks to its minimum, and keeps the lowest places");
    let config = config.clone().name("shrinking").min(1).max(4).set(|settings| {
        settings.idle_timeout = Some(Duration::from_millis(20));
        settings.maintenance_every = Some(Duration::from_millis(10));
    });
    let manager = Manager::connect(config).await?;
    manager.renew().await?;
    settle(&manager, 1).await?;
    ensure!(manager.stats().connections[0].slot == 0, "not the lowest place was kept");
    Ok(manager.close(Duration::from_secs(5)).await?)
}

async fn health(config: &Config<Any>) -> Outcome {
    stop("Health: a connection that fails its check is replaced before anybody has it");
    let config = config.clone().name("health").min(1).max(1);
    let config = config.set(|settings| settings.check_after = Duration::ZERO);
    let manager =
        Manager::connect(config.check(|_| Box::pin(async { Err(sqlx::Error::WorkerCrashed) })))
            .await?;
    let id = manager.acquire().await?.id();
    ensure!(id.index() == 2, "{id} was handed out though its check failed");
    Ok(manager.close(Duration::from_secs(5)).await?)
}

async fn closing(manager: &Manager, config: Config<Any>) -> Outcome {
    stop("Close: waits for the borrowed, then everything is closed; and it can be opened again");
    let borrowed = manager.acquire().await?;
    let late = manager.close(Duration::from_millis(20)).await;
    ensure!(
        matches!(late, Err(Error::StillBorrowed { .. })),
        "not told who still borrows: {late:?}"
    );
    drop(borrowed);
    manager.close(Duration::from_secs(5)).await?;
    ensure!(matches!(manager.acquire().await, Err(Error::Closed)), "used after it was closed");
    ensure!(manager.stats().open == 0, "something is still open");
    let again = Manager::get_or_init(config.min(1)).await?;
    again.execute("SELECT 1").await?;
    Ok(again.close(Duration::from_secs(5)).await?)
}

fn table(stats: &Stats, took: Duration) {
    println!("\n{:<28}{:>12}", "the manager of the tour", "");
    println!("{:<28}{:>12}", "served", stats.wait.count);
    println!("{:<28}{:>12}", "gave up or timed out", stats.given_up + stats.timeouts);
    println!("{:<28}{:>12}", "opened", stats.created);
    for (reason, count) in stats.closed.iter().filter(|(_, count)| **count > 0) {
        println!("{:<28}{count:>12}", format!("closed, {}", reason.name()));
    }
    let times = |name: &str, times: &Times| {
        for (what, nanos) in [("p50", times.p50_ns), ("p99", times.p99_ns), ("max", times.max_ns)] {
            println!(
                "{:<28}{:>12}",
                format!("{name}, {what}"),
                format!("{:.1?}", Duration::from_nanos(nanos))
            );
        }
    };
    times("wait", &stats.wait);
    times("open", &stats.create);
    times("use", &stats.used);
    println!("{:<28}{:>12}", "the tour took", format!("{took:.1?}"));
}
