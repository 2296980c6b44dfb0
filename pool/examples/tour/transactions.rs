//! Committed, and rolled back when they are dropped or their begin is cut short.

use std::time::Duration;

use sqlx::Executor;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str =
    "Committed, and rolled back when they are dropped or their begin is cut short";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
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
    let rows: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM pool_tour").fetch_one(&manager).await?;
    ensure!(rows == 1, "{rows} rows are there, not the one that was committed");
    manager.execute("DROP TABLE pool_tour").await?;
    Ok(String::from("one was committed, and of five others nothing is left"))
}
