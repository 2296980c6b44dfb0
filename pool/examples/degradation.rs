//! More callers than connections: the unimportant are shed, the others wait less, and a replica serves them.
//!
//!     cargo run -p pool --example degradation

use std::time::Duration;

use pool::{
    Ask, Config, ConnectionManager, Degradation, Error, Fallback, Priority, Rule, Shed, WaitLess,
};
use sqlx::Sqlite;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let low = Shed { priority: Priority::Low, waiting_over: Some(2), expected_over: None };
    let rules = Degradation {
        shed: vec![low],
        wait_less: Some(WaitLess { waiting_over: Some(3), limit: Duration::from_millis(30) }),
        ..Degradation::default()
    };
    let config = Config::<Sqlite>::new("sqlite::memory:")?.max(2).min(1);
    let replica = ConnectionManager::connect(config.clone().name("replica")).await?;
    let config = config.name("primary").set(|settings| settings.degradation = rules);
    let primary = ConnectionManager::connect(config).await?;

    // Both connections are busy, and four wait for them.
    let busy = [primary.acquire().await?, primary.acquire().await?];
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let primary = primary.clone();
            tokio::spawn(async move { primary.acquire().await.map(drop) })
        })
        .collect();
    sleep(Duration::from_millis(5)).await;

    let error = primary.acquire_with(Priority::Low).await.expect_err("more than two wait");
    println!("low:    {error}");
    assert!(matches!(error, Error::Overloaded { rule: Rule::ShedByQueue, .. }));
    let error = primary.acquire().await.expect_err("more than three wait");
    println!("normal: {error}");
    assert!(matches!(error, Error::Overloaded { rule: Rule::WaitLess, .. }));

    primary.set_fallback(Fallback::to(replica.clone())).expect("it has none");
    for priority in [Priority::Low, Priority::Normal] {
        let connection = primary.acquire_with(priority).await?;
        println!("{priority:?}: a connection of the {}", connection.pool_name());
        assert_eq!(connection.pool_name(), "replica");
    }
    let write = Ask::new().no_fallback(); // a replica cannot do this
    println!("write:  {}", primary.acquire_with(write).await.expect_err("nor is there a place"));

    drop(busy);
    for caller in waiting {
        caller.await??;
    }
    let stats = primary.stats().degradation.expect("there are rules");
    println!("{stats:?}");
    assert_eq!((stats.shed_by_queue, stats.wait_less, stats.fell_back), (2, 3, 2));
    primary.close(Duration::from_secs(1)).await?;
    replica.close(Duration::from_secs(1)).await?;
    Ok(())
}

#[test]
fn it_holds() {
    main().unwrap();
}
