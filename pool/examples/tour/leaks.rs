//! Leak detection: a connection that is held for too long is reported once, with who has it.

use std::time::Duration;

use pool::{Ask, Leaks};

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "A connection held for too long is reported once, and found again";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let leaks = Leaks { after: Duration::from_millis(20), backtrace: false };
    let manager = tour.connect("leaks", 1, 2, |settings| settings.leaks = Some(leaks)).await?;
    let forgotten = manager.acquire_with(Ask::new().tag("import")).await?;
    let stats = || manager.stats().leaks.ok_or("leaks are not looked for");
    while stats()?.reported == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let out = stats()?.out;
    let by = out.first().map(ToString::to_string).unwrap_or_default();
    ensure!(by.contains("import"), "the report does not name the tag: {by}");
    drop(forgotten);
    let seen = stats()?;
    ensure!((seen.reported, seen.returned) == (1, 1), "counted: {seen:?}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(String::from("1 reported by its tag and place, and 1 came back"))
}
