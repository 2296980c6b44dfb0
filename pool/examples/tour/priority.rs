//! Who waits is served by priority, then by arrival.

use std::time::Duration;

use pool::Priority;
use tokio::sync::mpsc;

use super::{Manager, Outcome, Tour};

pub(crate) const TITLE: &str = "Who waits is served by priority, then by arrival";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.connect("priority", 1, 1, |settings| settings.ageing = None).await?;
    let queue = [
        ("low", Priority::Low),
        ("first", Priority::Normal),
        ("second", Priority::Normal),
        ("high", Priority::High),
    ];
    let served = order(&manager, &queue, Duration::ZERO).await?;
    ensure!(served == "high, first, second, low", "served in the order {served}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(served)
}

/// Holds the only connection while callers join the queue, with a pause after each, and answers in which order
/// they are served then.
pub(crate) async fn order(
    manager: &Manager,
    queue: &[(&'static str, Priority)],
    pause: Duration,
) -> Outcome {
    let held = manager.acquire().await?;
    let (done, mut order) = mpsc::unbounded_channel();
    for (at, (name, priority)) in queue.iter().copied().enumerate() {
        let (waits, done) = (manager.clone(), done.clone());
        tokio::spawn(async move {
            let _held = waits.acquire_with(priority).await;
            // The tour has ended if nobody listens.
            let _ = done.send(name);
        });
        while manager.stats().waiting <= at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(pause).await;
    }
    drop((held, done));
    let mut served = Vec::new();
    while let Some(name) = order.recv().await {
        served.push(name);
    }
    Ok(served.join(", "))
}
