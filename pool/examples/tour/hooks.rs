//! Hooks: what runs when a connection is opened, lent and given back.

use std::time::Duration;

use super::{Manager, Outcome, Tour};

pub(crate) const TITLE: &str = "Hooks prepare each loan, and end a connection after three";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let config = tour
        .config
        .clone()
        .name("hooks")
        .min(1)
        .max(1)
        .on_connect_sql(["SELECT 1"])
        .before_acquire(|_, _| Box::pin(async { Ok(true) }))
        .after_release(|_, about| {
            let is_kept = about.uses < 3;
            Box::pin(async move { Ok(is_kept) })
        });
    let manager = Manager::connect(config).await?;
    for _ in 0..6 {
        manager.acquire().await?.release().await?;
    }
    let stats = manager.stats();
    let (asked, refused) = (stats.hooks.after_release.runs, stats.hooks.after_release.refused);
    ensure!((asked, refused) == (6, 2), "asked {asked} times, refused {refused}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("{asked} returns, {refused} connections replaced"))
}
