//! A connection that somebody forgets to give back: reported once, with who has it and from where.
//!
//!     cargo run -p pool --example leaks

use std::time::Duration;

use pool::{Ask, Config, ConnectionManager, Leaks};
use sqlx::Sqlite;
use tokio::time::sleep;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The reports are events.
    let _ = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).without_time().try_init();
    let leaks = Leaks { after: Duration::from_millis(200), backtrace: false };
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(1).max(2);
    let config = config.set(|settings| settings.leaks = Some(leaks));
    let manager = ConnectionManager::connect(config).await?;

    let forgotten = tokio::spawn({
        let manager = manager.clone();
        async move { manager.acquire_with(Ask::new().tag("import")).await }
    });
    let forgotten = forgotten.await??;
    for _ in 0..20 {
        drop(manager.acquire().await?); // these give theirs back, and are not reported
        sleep(Duration::from_millis(15)).await;
    }
    let leaks = manager.stats().leaks.expect("they are looked for");
    assert_eq!((leaks.reported, leaks.returned), (1, 0));
    println!("held now: {}, task {:?}", leaks.out[0], leaks.out[0].task);
    assert_eq!(leaks.out[0].tag.as_deref(), Some("import"));

    drop(forgotten);
    let leaks = manager.stats().leaks.expect("they are looked for");
    assert_eq!((leaks.reported, leaks.returned, leaks.out.len()), (1, 1, 0));
    println!("reported {}, of which {} came back", leaks.reported, leaks.returned);
    manager.close(Duration::from_secs(1)).await?;
    Ok(())
}

#[test]
fn it_holds() {
    main().unwrap();
}
