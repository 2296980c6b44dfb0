//! Warm-up: connections ahead of load.

use std::time::Duration;

use pool::WarmUp;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "Connections are there before the load, by a call or a schedule";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.connect("warming", 1, 8, |settings| settings.warm.at_start = 3).await?;
    let at_start = manager.stats().open;
    let opened = manager.warm_up(6).await?;
    ensure!((at_start, opened) == (3, 3), "{at_start} at the start, {opened} more");
    let mut schedule = [WarmUp::after(Duration::from_millis(5), 8)].into_iter();
    manager.warm_on(move || schedule.next());
    super::settle(&manager, 8).await?;
    manager.close(Duration::from_secs(5)).await?;
    Ok(String::from("3 at the start, 6 when asked, 8 by the schedule"))
}
