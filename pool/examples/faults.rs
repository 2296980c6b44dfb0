//! A drill: faults on purpose while a service works, and what its users see of them.
//!
//!     cargo run -p pool --features fault-injection --example faults
//!
//! Exits with an error if the same seed does not give the same faults, or if they go on after the drill.

use std::time::Duration;

use pool::faults::{Fault, Faults};
use pool::{Config, ConnectionManager, Step};
use sqlx::Sqlite;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// How many of so many queries fail.
async fn failing(manager: &ConnectionManager<Sqlite>, queries: usize) -> usize {
    let mut failed = 0;
    for _ in 0..queries {
        failed += usize::from(sqlx::query("SELECT 1").execute(manager).await.is_err());
    }
    failed
}

/// The numbers of the queries that fail.
async fn drill(seed: u64) -> Outcome<Vec<usize>> {
    let faults = Faults::new(seed);
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(1).max(2).faults(faults.clone());
    let manager = ConnectionManager::connect(config).await?;
    assert_eq!(failing(&manager, 50).await, 0, "before the drill");

    faults.set_rate(Step::Query, 0.2)?;
    faults.set_delay(Step::Connect, 0.5, Duration::from_millis(5))?;
    faults.script(Step::Query, 51, Fault::Fail)?;
    let mut failed = Vec::new();
    for query in 0..50 {
        if failing(&manager, 1).await > 0 {
            failed.push(query);
        }
    }
    assert_eq!(failed.first(), Some(&0), "as the script says");

    faults.stop();
    assert_eq!(failing(&manager, 50).await, 0, "after the drill");
    let stats = manager.stats().faults.expect("it has faults");
    println!("seed {seed}: {} of 50 queries fail: {failed:?}", failed.len());
    assert_eq!(stats.steps[&Step::Query].failed, u64::try_from(failed.len())?);
    Ok(failed)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let (first, again, other) = (drill(7).await?, drill(7).await?, drill(8).await?);
    assert_eq!(first, again);
    assert_ne!(first, other);
    Ok(())
}

#[cfg(test)]
#[test]
fn it_is_as_it_says() {
    main().unwrap();
}
