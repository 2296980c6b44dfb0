//! Who waits is served by priority, then by arrival.

use std::time::Duration;

use pool::Priority;
use tokio::sync::mpsc;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "Who waits is served by priority, then by arrival";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.connect("priority", 1, 1, |_| {}).await?;
    let held = manager.acquire().await?;
    let (done, mut order) = mpsc::unbounded_channel();
    let queue = [
        ("low", Priority::Low),
        ("first", Priority::Normal),
        ("second", Priority::Normal),
        ("high", Priority::High),
    ];
    for (at, (name, priority)) in queue.into_iter().enumerate() {
        let (manager, done) = (manager.clone(), done.clone());
        let waits = manager.clone();
        tokio::spawn(async move {
            let _held = waits.acquire_with(priority).await;
            // The tour has ended if nobody listens.
            let _ = done.send(name);
        });
        while manager.stats().waiting <= at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    drop((held, done));
    let mut served = Vec::new();
    while let Some(name) = order.recv().await {
        served.push(name);
    }
    let served = served.join(", ");
    ensure!(served == "high, first, second, low", "served in the order {served}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(served)
}
