//! Adaptive size: the maximum follows the load.

use std::time::Duration;

use pool::{Adaptive, Error};

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "The maximum grows while callers wait";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let adaptive = Adaptive {
        min_max: 2,
        max_max: 8,
        every: Duration::from_millis(20),
        wait_target: Duration::from_millis(2),
    };
    let manager =
        tour.connect("adapting", 1, 2, |settings| settings.adaptive = Some(adaptive)).await?;
    let load: Vec<_> = (0..12)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move {
                while manager.stats().max < 4 {
                    let _held = manager.acquire().await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for caller in load {
        tokio::time::timeout(Duration::from_secs(30), caller).await???;
    }
    let stats = manager.stats();
    let changes = stats.adaptive.map_or(0, |adaptive| adaptive.changes);
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("from 2 to {} in {changes} steps", stats.max))
}
