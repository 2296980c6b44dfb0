//! A span around acquiring, and one for as long as a connection is held.

use std::time::Duration;

use sqlx::Executor;
use tracing::Instrument;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str =
    "A span around acquiring, and one for as long as a connection is held";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.connect("spans", 1, 1, |settings| settings.observe.spans = true).await?;
    let mut connection = manager.acquire().await?;
    let held = connection.span().clone();
    connection.execute("SELECT 1").instrument(held.clone()).await?;
    let name = held.metadata().map(|span| span.name());
    ensure!(name == Some("db.client.connection.use"), "the span of holding is {name:?}");
    drop((connection, held));
    manager.close(Duration::from_secs(5)).await?;
    Ok(String::from("a query was run inside the span of holding"))
}
