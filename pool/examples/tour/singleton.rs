//! One manager for the process, though a hundred tasks ask for it at once.

use super::{Manager, Outcome, Tour};

pub(crate) const TITLE: &str =
    "One manager for the process, though a hundred tasks ask for it at once";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let racers: Vec<_> =
        (0..100).map(|_| tokio::spawn(Manager::get_or_init(tour.config.clone()))).collect();
    let mut managers = Vec::new();
    for racer in racers {
        managers.push(racer.await??);
    }
    let _held = managers[0].acquire().await?;
    let all_see_it = managers.iter().all(|manager| manager.stats().in_use == 1);
    let created = managers[0].stats().created;
    ensure!(all_see_it && created == 10, "more than one manager was built");
    Ok(format!("a hundred asked, {created} connections were opened"))
}
