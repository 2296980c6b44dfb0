//! A database that goes away and comes back: the circuit opens, callers are told at once, and it closes by
//! itself.
//!
//!     cargo run -p pool --example breaker

use std::time::{Duration, Instant};

use pool::{Breaker, CircuitState, Config, ConnectionManager, Error};
use sqlx::Sqlite;
use tokio::time::sleep;

type Manager = ConnectionManager<Sqlite>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("pool-breaker-{}", std::process::id()));
    let gone = folder.with_extension("gone");
    std::fs::create_dir_all(&folder)?;
    let url = format!("sqlite://{}/notes.db?mode=rwc", folder.display());
    let breaker = Breaker {
        failures_in_a_row: Some(3),
        open_min: Duration::from_millis(50),
        open_max: Duration::from_millis(200),
        ..Breaker::default()
    };
    let config = Config::<Sqlite>::new(&url)?.min(0).max(4);
    let config = config.set(|settings| settings.breaker = Some(breaker));
    let manager: Manager = ConnectionManager::connect(config).await?;
    show("the database is there", &manager).await?;

    // Its folder is moved away, and what was open is closed.
    std::fs::rename(&folder, &gone)?;
    manager.expire_now().await;
    while state(&manager) == CircuitState::Closed {
        let error = manager.acquire().await.expect_err("the folder is gone");
        println!("a caller is told: {error}");
    }
    let begun = Instant::now();
    for _ in 0..1_000 {
        let error = manager.acquire().await.expect_err("it is open");
        assert!(matches!(error, Error::CircuitOpen { .. }), "{error}");
    }
    println!("1,000 more are told within {:.1?}", begun.elapsed());
    show("the folder is gone", &manager).await.expect_err("nobody waits");

    std::fs::rename(&gone, &folder)?;
    let back = Instant::now();
    while state(&manager) != CircuitState::Closed {
        sleep(Duration::from_millis(5)).await;
    }
    println!("closed by itself {:.0?} after it came back", back.elapsed());
    show("the database is back", &manager).await?;
    manager.close(Duration::from_secs(1)).await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn state(manager: &Manager) -> CircuitState {
    manager.stats().breaker.expect("there is one").state
}

async fn show(when: &str, manager: &Manager) -> Result<(), Error> {
    let outcome = manager.acquire().await.map(drop);
    let stats = manager.stats().breaker.expect("there is one");
    let next = stats.next_probe_ns.map(Duration::from_nanos);
    println!(
        "{when}: {}, opened {} times, {} refused, {} probes, next {next:.0?}",
        stats.state.name(),
        stats.opened,
        stats.refused,
        stats.probes
    );
    outcome
}

#[test]
fn it_holds() {
    main().unwrap();
}
