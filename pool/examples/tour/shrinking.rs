//! A quiet pool shrinks to its minimum, and keeps the lowest places.

use std::time::Duration;

use super::{Outcome, Tour, settle};

pub(crate) const TITLE: &str = "A quiet pool shrinks to its minimum, and keeps the lowest places";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour
        .connect("shrinking", 1, 4, |settings| {
            settings.idle_timeout = Some(Duration::from_millis(20));
            settings.maintenance_every = Some(Duration::from_millis(10));
        })
        .await?;
    let opened = manager.renew().await?;
    settle(&manager, 1).await?;
    ensure!(manager.stats().connections[0].slot == 0, "not the lowest place was kept");
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("{opened} more were opened, and closed again"))
}
