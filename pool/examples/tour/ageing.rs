//! Ageing: who waits for long goes before a higher priority that came much later.

use std::time::Duration;

use pool::{Ageing, Priority};

use super::priority::order;
use super::{Outcome, Tour};

pub(crate) const TITLE: &str =
    "Who waits for long goes before a higher priority that came much later";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let (normal, low) = (Duration::from_millis(5), Duration::from_millis(10));
    let manager = tour
        .connect("ageing", 1, 1, |settings| settings.ageing = Some(Ageing { normal, low }))
        .await?;
    let queue = [("low", Priority::Low), ("high", Priority::High)];
    let served = order(&manager, &queue, low * 2).await?;
    ensure!(served == "low, high", "served in the order {served}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("{served}, which came {:?} later", low * 2))
}
