//! No connection in time: the error says who has them, and for how long.

use std::time::Duration;

use pool::Error;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str =
    "No connection in time: the error says who has them, and for how long";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(manager.acquire().await?);
    }
    match manager.acquire_timeout(Duration::from_millis(20)).await {
        Err(error @ Error::Timeout { .. }) => println!("{error}"),
        other => return Err(format!("not a time-out: {other:?}").into()),
    }
    Ok(String::from("the error names twenty holders"))
}
