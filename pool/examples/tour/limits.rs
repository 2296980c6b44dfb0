//! Rate limits: how often connections may be asked for.

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "A rate limit refuses, and says when to come again";

#[cfg(not(feature = "rate-limit"))]
pub(crate) async fn show(_: &Tour) -> Outcome {
    Ok(String::from("not built in: --features rate-limit"))
}

#[cfg(feature = "rate-limit")]
pub(crate) async fn show(tour: &Tour) -> Outcome {
    use std::time::Duration;

    use pool::{Ask, Error, Limited, RateLimit, WhenOver};

    let per = Duration::from_secs(60);
    let of = Limited::Tag(String::from("search"));
    let limit = RateLimit { of, permits: 2, per, burst: None, when_over: WhenOver::Refuse };
    let manager =
        tour.connect("limits", 1, 2, |settings| settings.rate_limits = vec![limit]).await?;
    let ask = Ask::new().tag("search");
    for _ in 0..2 {
        drop(manager.acquire_with(ask.clone()).await?);
    }
    let refused = manager.acquire_with(ask).await;
    let Err(Error::RateLimited { of, retry_after }) = refused else {
        return Err(format!("the third in a minute is answered {refused:?}").into());
    };
    ensure!(retry_after <= per, "come again in {retry_after:?}");
    drop(manager.acquire().await?);
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("the third of {of} is refused, one without the tag is not"))
}
