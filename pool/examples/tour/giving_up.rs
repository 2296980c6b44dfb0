//! A thousand callers that give up at random lose no connection and no turn.

use std::time::Duration;

use pool::Error;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str =
    "A thousand callers that give up at random lose no connection and no turn";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
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
    let mut all = Vec::new();
    for _ in 0..20 {
        all.push(manager.acquire_timeout(Duration::from_secs(5)).await?);
    }
    ensure!(manager.stats().in_use == 20, "not all places can be used again");
    Ok(format!("{served} were served, {} gave up", 1000 - served))
}
