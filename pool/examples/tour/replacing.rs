//! Expire now, renew, reset: nobody who borrows is disturbed.

use pool::Reason;
use sqlx::Executor;

use super::{Outcome, Tour, settle};

pub(crate) const TITLE: &str = "Expire now, renew, reset: nobody who borrows is disturbed";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let manager = tour.manager().await?;
    let borrowed = manager.acquire().await?;
    manager.expire_now().await;
    borrowed.release().await?;
    settle(&manager, 10).await?;
    ensure!(manager.renew().await? == 10, "not filled up");
    let mut borrowed = manager.acquire().await?;
    manager.reset().await?;
    borrowed.execute("SELECT 1").await?;
    borrowed.release().await?;
    settle(&manager, 10).await?;
    let closed = &manager.stats().closed;
    let (expired, reset) = (closed[&Reason::ExpiredNow], closed[&Reason::Reset]);
    ensure!(reset == 20, "a reset has closed {reset} of 20");
    Ok(format!("{expired} expired, 10 renewed, {reset} reset"))
}
