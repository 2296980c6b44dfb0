//! Tags: what connections are used for, and which use holds them now.

use std::time::Duration;

use pool::Ask;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "A time-out names the tags that hold the connections";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.connect("tags", 1, 2, |_| {}).await?;
    for _ in 0..5 {
        drop(manager.acquire_with(Ask::new().tag("checkout")).await?);
    }
    let ask = Ask::new().tag("report");
    let held = [manager.acquire_with(ask.clone()).await?, manager.acquire_with(ask).await?];
    let ask = Ask::new().tag("checkout").within(Duration::from_millis(20));
    let Err(error) = manager.acquire_with(ask).await else {
        return Err("there was a third connection of two".into());
    };
    ensure!(error.to_string().contains("(report)"), "it does not name the tag: {error}");
    let tags = manager.stats().tags;
    let seen: Vec<_> =
        tags.iter().map(|tag| (&*tag.tag, tag.wait.count, tag.in_use, tag.refused)).collect();
    ensure!(seen == [("checkout", 5, 0, 1), ("report", 2, 2, 0)], "counted: {seen:?}");
    drop(held);
    manager.close(Duration::from_secs(5)).await?;
    Ok(String::from("checkout: 5 served, 1 refused while report held both"))
}
