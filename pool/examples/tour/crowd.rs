//! Fifty requests of 10 ms over twenty connections: opened as needed, served in turn.

use std::time::{Duration, Instant};

use sqlx::Executor;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str =
    "Fifty requests of 10 ms over twenty connections: opened as needed, served in turn";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
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
    let took = begun.elapsed();
    ensure!(stats.created <= 20, "{} connections were opened for a maximum of 20", stats.created);
    ensure!(stats.closed_total() == 0, "a connection was opened only to be closed");
    Ok(format!("all served in {took:.1?}, {} connections opened", stats.created))
}
