//! Degradation: who is refused when there are too few for all, and where the others go.

use std::time::Duration;

use pool::{Degradation, Error, Fallback, Priority, Rule, Shed};

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "Low priority is shed while others wait, and a replica takes over";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let low = Shed { priority: Priority::Low, waiting_over: Some(0), expected_over: None };
    let rules = Degradation { shed: vec![low], ..Degradation::default() };
    let manager = tour.connect("relief", 1, 1, |settings| settings.degradation = rules).await?;
    let replica = tour.connect("replica", 1, 1, |_| {}).await?;
    let held = manager.acquire().await?;
    let waits = tokio::spawn({
        let manager = manager.clone();
        async move { manager.acquire().await.map(drop) }
    });
    while manager.stats().waiting < 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let shed = manager.acquire_with(Priority::Low).await;
    ensure!(
        matches!(shed, Err(Error::Overloaded { rule: Rule::ShedByQueue, .. })),
        "low priority gets {shed:?}"
    );
    ensure!(manager.set_fallback(Fallback::to(replica.clone())).is_ok(), "it had a fallback");
    let elsewhere = manager.acquire_with(Priority::Low).await?;
    let from = String::from(elsewhere.pool_name());
    ensure!(from == "replica", "the fallback is {from}");
    drop((elsewhere, held));
    waits.await??;
    manager.close(Duration::from_secs(5)).await?;
    replica.close(Duration::from_secs(5)).await?;
    Ok(String::from("1 shed, then 1 served by the replica"))
}
