//! Close: waits for the borrowed, then everything is closed; and it can be opened again.

use std::time::Duration;

use pool::{Error, Stats, Times};
use sqlx::Executor;

use super::{Manager, Outcome, Tour};

pub(crate) const TITLE: &str =
    "Close: waits for the borrowed, then everything is closed; and it can be opened again";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
    table(&manager.stats());
    let borrowed = manager.acquire().await?;
    let late = manager.close(Duration::from_millis(20)).await;
    ensure!(
        matches!(late, Err(Error::StillBorrowed { .. })),
        "not told who still borrows: {late:?}"
    );
    drop(borrowed);
    manager.close(Duration::from_secs(5)).await?;
    ensure!(matches!(manager.acquire().await, Err(Error::Closed)), "used after it was closed");
    ensure!(manager.stats().open == 0, "something is still open");
    let again = Manager::get_or_init(tour.config.clone().min(1)).await?;
    again.execute("SELECT 1").await?;
    again.close(Duration::from_secs(5)).await?;
    Ok(String::from("closed, opened again and closed again"))
}

/// What the manager of the tour says about itself.
fn table(stats: &Stats) {
    let row = |what: &str, value: String| println!("{what:<28}{value:>12}");
    row("served", stats.wait.count.to_string());
    row("gave up or timed out", (stats.given_up + stats.timeouts).to_string());
    row("opened", stats.created.to_string());
    for (reason, count) in stats.closed.iter().filter(|(_, count)| **count > 0) {
        row(&format!("closed, {}", reason.name()), count.to_string());
    }
    let times = |name: &str, times: &Times| {
        for (what, nanos) in [("p50", times.p50_ns), ("p99", times.p99_ns), ("max", times.max_ns)] {
            row(&format!("{name}, {what}"), format!("{:.1?}", Duration::from_nanos(nanos)));
        }
    };
    times("wait", &stats.wait);
    times("open", &stats.create);
    times("use", &stats.used);
}
