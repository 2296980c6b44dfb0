//! Hooks: what runs when a connection is opened, lent and given back.
//!
//!     cargo run -p pool --example hooks
//!
//! Each new connection gets its settings, each borrower counts, and a connection is replaced after three of
//! them. Exits with an error if it is not so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use pool::{Config, ConnectionManager, Reason};
use sqlx::Sqlite;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let loans = Arc::new(AtomicU64::new(0));
    let config = Config::<Sqlite>::new("sqlite::memory:")?
        .min(1)
        .max(1)
        .on_connect_sql(["PRAGMA cache_size = -2000", "CREATE TABLE visits (n INTEGER)"])
        .after_connect(|connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO visits VALUES (0)").execute(connection).await.map(drop)
            })
        })
        .before_acquire({
            let loans = Arc::clone(&loans);
            move |_connection, about| {
                println!("{} is lent after {} uses", about.id, about.uses);
                loans.fetch_add(1, SeqCst);
                Box::pin(async { Ok(true) })
            }
        })
        .after_release(|_connection, about| {
            let is_kept = about.uses < 3;
            println!("{} is back, and {}", about.id, if is_kept { "kept" } else { "closed" });
            Box::pin(async move { Ok(is_kept) })
        });
    let manager = ConnectionManager::connect(config).await?;

    for visit in 0..6_i64 {
        let mut connection = manager.acquire().await?;
        sqlx::query("UPDATE visits SET n = n + 1").execute(&mut *connection).await?;
        let n: i64 = sqlx::query_scalar("SELECT n FROM visits").fetch_one(&mut *connection).await?;
        // A database in memory is its connection's, so a new connection counts from the start.
        assert_eq!(n, visit % 3 + 1);
        connection.release().await?;
    }

    let stats = manager.stats();
    println!("{} opened, {} refused", stats.created, stats.closed[&Reason::Refused]);
    // The one that is opened for a borrower who waits is handed over as it is.
    assert_eq!((loans.load(SeqCst), stats.hooks.before_acquire.runs), (5, 5));
    assert_eq!((stats.hooks.after_release.runs, stats.hooks.after_release.refused), (6, 2));
    Ok(())
}

#[cfg(test)]
#[test]
fn it_is_as_it_says() {
    main().unwrap();
}
