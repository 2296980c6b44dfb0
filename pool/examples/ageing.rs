//! Low priority beside a flood of high priority: with ageing it waits for its allowance, without for as long as
//! the flood lasts.
//!
//!     cargo run -p pool --example ageing

use std::error::Error;
use std::time::{Duration, Instant};

use pool::{Ageing, Config, ConnectionManager, Priority};
use sqlx::Sqlite;

const FLOOD: Duration = Duration::from_millis(600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let ageing = Ageing { normal: Duration::from_millis(20), low: Duration::from_millis(100) };
    println!("One connection, and three who always want it, with high priority, for {FLOOD:?}.");
    let aged = report_among_requests(Some(ageing)).await?;
    println!("with ageing:    low priority waited for {aged:?}; its allowance is {:?}", ageing.low);
    let strict = report_among_requests(None).await?;
    println!("without ageing: low priority waited for {strict:?}");
    if aged >= strict || aged < ageing.low {
        return Err("ageing has not bounded the wait".into());
    }
    Ok(())
}

/// How long a report waits, at low priority.
async fn report_among_requests(ageing: Option<Ageing>) -> Result<Duration, Box<dyn Error>> {
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(1).max(1);
    let manager =
        ConnectionManager::connect(config.set(|settings| settings.ageing = ageing)).await?;
    let begun = Instant::now();
    let flood: Vec<_> = (0..3).map(|_| tokio::spawn(requests(manager.clone(), begun))).collect();
    // The flood is there first.
    tokio::task::yield_now().await;
    let asked = Instant::now();
    let mut connection = manager.acquire_with(Priority::Low).await?;
    let waited = asked.elapsed();
    sqlx::query("SELECT 'a report'").execute(&mut *connection).await?;
    drop(connection);
    for task in flood {
        task.await??;
    }
    Ok(waited)
}

async fn requests(manager: ConnectionManager<Sqlite>, begun: Instant) -> Result<(), sqlx::Error> {
    while begun.elapsed() < FLOOD {
        let mut connection = manager.acquire_with(Priority::High).await?;
        sqlx::query("SELECT 'a request'").execute(&mut *connection).await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

#[cfg(test)]
#[test]
fn it_holds() {
    main().unwrap();
}
