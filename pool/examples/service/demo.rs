//! Load for the stats page: callers that come and go like a tide, and hold connections for a while.

use std::time::Duration;

use pool::{Ask, Error, Priority};
use tokio::time::{Instant, sleep};

use super::Manager;

const CALLERS: u16 = 30;
const TENANTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];

/// Starts the callers. They go on until the manager is closed.
pub(crate) fn start(manager: &Manager) {
    for caller in 0..CALLERS {
        tokio::spawn(call_again_and_again(manager.clone(), caller));
    }
}

async fn call_again_and_again(manager: Manager, caller: u16) {
    let begun = Instant::now();
    for turn in 0_u64.. {
        // Between none and all of them, every twenty seconds.
        let tide = 0.5 - 0.5 * (begun.elapsed().as_secs_f32() / 20.0 * std::f32::consts::TAU).cos();
        if f32::from(caller) >= tide * f32::from(CALLERS) {
            sleep(Duration::from_millis(100)).await;
            continue;
        }
        let mixed = u64::from(caller) * 37 + turn * 53;
        let hold = Duration::from_millis(20 + mixed % 230);
        let ask = Ask::new().tenant(TENANTS[usize::from(caller) % TENANTS.len()]);
        let served = match caller % 3 {
            0 => checkout(&manager, ask, hold).await,
            1 => search(&manager, ask, hold).await,
            _ => report(&manager, ask, hold * 2).await,
        };
        if matches!(served, Err(Error::Closed)) {
            return;
        }
        sleep(Duration::from_millis(mixed % 90)).await;
    }
}

/// Before all others.
async fn checkout(manager: &Manager, ask: Ask, hold: Duration) -> Result<(), Error> {
    let _held = manager.acquire_with(ask.priority(Priority::High)).await?;
    sleep(hold).await;
    Ok(())
}

async fn search(manager: &Manager, ask: Ask, hold: Duration) -> Result<(), Error> {
    let _held = manager.acquire_with(ask).await?;
    sleep(hold).await;
    Ok(())
}

/// After all others, and not for long.
async fn report(manager: &Manager, ask: Ask, hold: Duration) -> Result<(), Error> {
    let ask = ask.priority(Priority::Low).within(Duration::from_millis(900));
    let _held = manager.acquire_with(ask).await?;
    sleep(hold).await;
    Ok(())
}
