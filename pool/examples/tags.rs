//! What connections are used for: counted by tag, and named when there are none left.
//!
//!     cargo run -p pool --example tags

use std::time::Duration;

use pool::{Ask, Config, ConnectionManager, Error};
use sqlx::Sqlite;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(0).max(2);
    let manager = ConnectionManager::connect(config).await?;

    // Short work, and one kind that keeps its connections for long.
    for _ in 0..20 {
        let mut connection = manager.acquire_with(Ask::new().tag("checkout")).await?;
        sqlx::query("SELECT 1").execute(&mut *connection).await?;
    }
    let mut reports = Vec::new();
    for _ in 0..2 {
        reports.push(manager.begin_with(Ask::new().tag("report")).await?);
    }
    sleep(Duration::from_millis(20)).await;

    let ask = Ask::new().tag("checkout").within(Duration::from_millis(30));
    let error = manager.acquire_with(ask).await.expect_err("both connections are taken");
    println!("{error}\n");
    assert!(matches!(error, Error::Timeout { .. }) && error.to_string().contains("(report)"));

    println!(
        "{:10} {:>6} {:>6} {:>7} {:>10} {:>10}",
        "tag", "served", "in use", "refused", "wait p99", "hold p50"
    );
    let stats = manager.stats();
    for tag in &stats.tags {
        let (wait, held) =
            (Duration::from_nanos(tag.wait.p99_ns), Duration::from_nanos(tag.used.p50_ns));
        println!(
            "{:10} {:>6} {:>6} {:>7} {wait:>10.1?} {held:>10.1?}",
            tag.tag, tag.wait.count, tag.in_use, tag.refused
        );
    }
    let counts: Vec<_> =
        stats.tags.iter().map(|tag| (tag.wait.count, tag.in_use, tag.refused)).collect();
    assert_eq!(counts, [(20, 0, 1), (2, 2, 0)]);
    drop(reports);
    manager.close(Duration::from_secs(1)).await?;
    Ok(())
}

#[test]
fn it_holds() {
    main().unwrap();
}
