//! Fault injection: faults on purpose, which repeat from their seed.

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "A drill: the same seed gives the same faults";

#[cfg(not(feature = "fault-injection"))]
pub(crate) async fn show(_: &Tour) -> Outcome {
    Ok(String::from("not built in: --features fault-injection"))
}

#[cfg(feature = "fault-injection")]
pub(crate) async fn show(tour: &Tour) -> Outcome {
    let (first, again, other) =
        (failed(tour, 7).await?, failed(tour, 7).await?, failed(tour, 8).await?);
    ensure!(first == again, "{first:?} at first, {again:?} again");
    ensure!(first != other, "another seed gives the same: {first:?}");
    Ok(format!("{} of 40 queries failed, twice the same", first.len()))
}

/// The numbers of the queries that fail.
#[cfg(feature = "fault-injection")]
async fn failed(tour: &Tour, seed: u64) -> Outcome<Vec<usize>> {
    use pool::Step;
    use pool::faults::Faults;

    let faults = Faults::new(seed);
    let config = tour.config.clone().name("drill").min(1).max(2).faults(faults.clone());
    let manager = super::Manager::connect(config).await?;
    faults.set_rate(Step::Query, 0.3)?;
    let mut failed = Vec::new();
    for query in 0..40 {
        if sqlx::query("SELECT 1").execute(&manager).await.is_err() {
            failed.push(query);
        }
    }
    faults.stop();
    manager.close(std::time::Duration::from_secs(5)).await?;
    Ok(failed)
}
