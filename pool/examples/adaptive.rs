//! A maximum that follows the load: it grows while callers wait, and shrinks when they are gone.
//!
//!     cargo run -p pool --example adaptive

use std::error::Error;
use std::time::{Duration, Instant};

use pool::{Adaptive, Config, ConnectionManager};
use sqlx::Sqlite;

type Manager = ConnectionManager<Sqlite>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let adaptive = Adaptive {
        min_max: 2,
        max_max: 12,
        every: Duration::from_millis(50),
        wait_target: Duration::from_millis(5),
    };
    let config = Config::<Sqlite>::new("sqlite::memory:")?.min(1).max(2);
    let manager =
        Manager::connect(config.set(|settings| settings.adaptive = Some(adaptive))).await?;
    println!("Twenty callers want two connections:");
    let begun = Instant::now();
    let load: Vec<_> = (0..20).map(|_| tokio::spawn(call(manager.clone(), begun))).collect();
    let most = watch(&manager, Duration::from_millis(1_500)).await;
    for task in load {
        task.await??;
    }
    println!("They have gone:");
    watch(&manager, Duration::from_millis(4_500)).await;
    let left = manager.stats();
    println!("the maximum was {most} and is {}, and {} are open", left.max, left.open);
    if most <= 2 || left.max != 2 || left.open > 2 {
        return Err("it has not followed the load".into());
    }
    Ok(())
}

async fn call(manager: Manager, begun: Instant) -> Result<(), sqlx::Error> {
    while begun.elapsed() < Duration::from_millis(1_500) {
        let mut connection = manager.acquire().await?;
        sqlx::query("SELECT 1").execute(&mut *connection).await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Prints each change of the maximum, as long as told. Answers the highest.
async fn watch(manager: &Manager, time: Duration) -> usize {
    let (begun, mut seen, mut most) = (Instant::now(), 0, 0);
    while begun.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let stats = manager.stats();
        most = most.max(stats.max);
        let Some(adaptive) = stats.adaptive.filter(|adaptive| adaptive.changes != seen) else {
            continue;
        };
        seen = adaptive.changes;
        if let Some(last) = adaptive.last {
            println!(
                "  from {} to {}: {}; callers waited for {:?}, {} % were in use",
                last.from,
                last.to,
                last.signal.name(),
                Duration::from_nanos(last.mean_wait_ns),
                last.use_percent,
            );
        }
    }
    most
}

#[cfg(test)]
#[test]
fn it_holds() {
    main().unwrap();
}
