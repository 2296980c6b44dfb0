//! How often connections may be asked for: one tag waits for its turn, another is refused.
//!
//!     cargo run -p pool --features rate-limit --example rate_limit

use std::time::{Duration, Instant};

use pool::{Ask, Config, ConnectionManager, Error, Limited, RateLimit, WhenOver};
use sqlx::Sqlite;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limit = |tag: &str, permits, when_over| RateLimit {
        of: Limited::Tag(String::from(tag)),
        permits,
        per: Duration::from_secs(1),
        burst: Some(1),
        when_over,
    };
    let limits = vec![limit("mail", 20, WhenOver::Wait), limit("search", 2, WhenOver::Refuse)];
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(1).max(4);
    let config = config.set(|settings| settings.rate_limits = limits);
    let manager = ConnectionManager::connect(config).await?;

    let begun = Instant::now();
    for mail in 1..=5 {
        drop(manager.acquire_with(Ask::new().tag("mail")).await?);
        println!("mail {mail} after {:3} ms", begun.elapsed().as_millis());
    }
    // Four pauses of 50 ms each.
    assert!(begun.elapsed() >= Duration::from_millis(200));

    drop(manager.acquire_with(Ask::new().tag("search")).await?);
    let error = manager.acquire_with(Ask::new().tag("search")).await.expect_err("two a second");
    println!("{error}");
    assert!(matches!(error, Error::RateLimited { .. }));
    drop(manager.acquire().await?); // without a tag there is no limit

    for stats in manager.stats().rate_limits {
        let (of, waited) = (stats.of.to_string(), Duration::from_nanos(stats.waited.max_ns));
        println!(
            "{of:12} passed {} refused {} longest wait {waited:.0?}",
            stats.passed, stats.refused
        );
    }
    manager.close(Duration::from_secs(1)).await?;
    Ok(())
}

#[test]
fn it_holds() {
    main().unwrap();
}
