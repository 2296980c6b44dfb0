//! The circuit breaker: nobody waits for a database that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use pool::{Breaker, CircuitState, Error};

use super::{Manager, Outcome, Tour};

pub(crate) const TITLE: &str = "The circuit opens when connecting fails, and closes by itself";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let is_down = Arc::new(AtomicBool::new(true));
    let breaker = Breaker {
        failures_in_a_row: Some(2),
        open_min: Duration::from_millis(20),
        open_max: Duration::from_millis(20),
        ..Breaker::default()
    };
    let config = tour.config.clone().name("breaker").min(0).max(2).after_connect({
        let is_down = Arc::clone(&is_down);
        move |_| {
            let refused = sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
            let answer = if is_down.load(SeqCst) { Err(refused) } else { Ok(()) };
            Box::pin(async move { answer })
        }
    });
    let manager = Manager::connect(config.set(|settings| settings.breaker = Some(breaker))).await?;
    let state = || manager.stats().breaker.map(|breaker| breaker.state);
    while state() == Some(CircuitState::Closed) {
        ensure!(manager.acquire().await.is_err(), "a database that is down gave a connection");
    }
    let told = manager.acquire().await;
    ensure!(matches!(told, Err(Error::CircuitOpen { .. })), "a caller is told {told:?}");
    is_down.store(false, SeqCst);
    while state() != Some(CircuitState::Closed) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    drop(manager.acquire().await?);
    let seen = manager.stats().breaker.ok_or("there is no circuit")?;
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!(
        "opened {} times, {} told at once, {} probes",
        seen.opened, seen.refused, seen.probes
    ))
}
