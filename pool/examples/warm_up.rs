//! Connections ahead of load: at the start, when told to, and by a schedule.
//!
//!     cargo run -p pool --example warm_up
//!
//! Exits with an error if connections are not there when it says so.

use std::time::Duration;

use pool::{Config, ConnectionManager, Error, WarmUp};
use sqlx::Sqlite;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(1).max(8).set(|settings| {
        settings.warm.at_start = 3;
        settings.warm.keep = Duration::from_secs(60);
        settings.maintenance_every = None;
        // So short that everything beyond the minimum is about to be closed.
        settings.idle_timeout = Some(Duration::from_nanos(1));
    });
    let manager = ConnectionManager::connect(config).await?;
    println!("at the start {} are open", manager.stats().open);
    assert_eq!(manager.stats().idle, 3);

    let opened = manager.warm_up(6).await?;
    println!("warming up for six has opened {opened}");
    assert_eq!((opened, manager.warm_up(6).await?), (3, 0));
    let refused = manager.warm_up(9).await.unwrap_err();
    println!("warming up for nine: {refused}");
    assert!(matches!(refused, Error::Invalid(_)));

    manager.maintain().await;
    println!("after the maintenance {} are open", manager.stats().open);
    assert_eq!((manager.stats().open, manager.stats().warm.kept), (6, 6));

    // Every entry of the schedule says when, and how many.
    let mut plan =
        [WarmUp::after(Duration::from_millis(5), 7), WarmUp::after(Duration::ZERO, 8)].into_iter();
    manager.warm_on(move || plan.next());
    while manager.stats().warm.opened < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("by the schedule {} are open", manager.stats().open);
    assert_eq!(manager.stats().open, 8);
    Ok(())
}

#[cfg(test)]
#[test]
fn it_is_as_it_says() {
    main().unwrap();
}
