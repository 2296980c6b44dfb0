//! A connection that fails its check is replaced before anybody has it.

use std::time::Duration;

use sqlx::Error;

use super::{Manager, Outcome, Tour};

pub(crate) const TITLE: &str =
    "A connection that fails its check is replaced before anybody has it";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let config = tour.config.clone().name("health").min(1).max(1);
    let config = config.set(|settings| settings.check_after = Duration::ZERO);
    let fails = config.check(|_| Box::pin(async { Err(Error::WorkerCrashed) }));
    let manager = Manager::connect(fails).await?;
    let id = manager.acquire().await?.id();
    ensure!(id.index() == 2, "{id} was handed out though its check failed");
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("{id} took the place of the first"))
}
