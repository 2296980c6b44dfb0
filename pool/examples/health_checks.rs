//! Health checks of one's own: before a loan, after it, and of idle connections in the background.
//!
//!     cargo run -p pool --example health_checks
//!
//! A connection counts as healthy while it has its table `ready`. Exits with an error if one that does not
//! is handed out.

use std::time::Duration;

use pool::{Config, ConnectionManager, Reason};
use sqlx::Sqlite;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::<Sqlite>::new("sqlite::memory:")?
        .min(4)
        .max(4)
        .on_connect_sql(["CREATE TEMP TABLE ready (n INTEGER)"])
        .check_with_sql("SELECT n FROM ready")
        .set(|settings| {
            settings.check_after = Duration::from_secs(60);
            settings.maintenance_every = None;
            settings.health.on_release = true;
            settings.health.idle_every = Some(Duration::from_millis(1));
        });
    let manager = ConnectionManager::connect(config).await?;

    // One that comes back broken is found before anybody else has it.
    let mut broken = manager.acquire().await?;
    sqlx::query("DROP TABLE ready").execute(&mut *broken).await?;
    let found = broken.release().await.unwrap_err();
    println!("on release: {found}");
    assert!(found.to_string().contains("no such table: ready"));

    // Those that lie idle are looked at now and then, a quarter of them at a time.
    while manager.stats().idle < 4 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    manager.maintain().await;
    let stats = manager.stats();
    println!(
        "checks: {} before loans, {} after, {} in the background; {} failed",
        stats.health.on_acquire,
        stats.health.on_release,
        stats.health.in_background,
        stats.check_errors
    );
    assert_eq!((stats.health.on_release, stats.check_errors), (1, 1));
    assert!(stats.health.in_background >= 4);
    assert_eq!((stats.closed[&Reason::Unhealthy], stats.idle), (1, 4));

    let mut connection = manager.acquire().await?;
    sqlx::query("SELECT n FROM ready").execute(&mut *connection).await?;
    Ok(())
}

#[cfg(test)]
#[test]
fn it_is_as_it_says() {
    main().unwrap();
}
