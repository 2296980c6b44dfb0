//! Something to see on the stats page: callers that come and go like a tide and hold connections for a while,
//! each for a tenant and under a tag; and, with the feature `fault-injection`, a database that is away for some
//! seconds now and then, so that the circuit opens, and closes by itself.

use std::time::Duration;

use pool::{Ask, Config, Error, Priority, StartError};
use sqlx::Sqlite;
use tokio::time::{Instant, sleep};

use super::Manager;

const CALLERS: u16 = 30;
const TENANTS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];
/// From none of the callers to all of them, and back.
const TIDE: Duration = Duration::from_secs(20);

/// The manager, with all this upon it until it is closed.
pub(crate) async fn start(config: Config<Sqlite>) -> Result<Manager, StartError> {
    #[cfg(feature = "fault-injection")]
    let faults = pool::faults::Faults::new(1);
    #[cfg(feature = "fault-injection")]
    let config = config.faults(faults.clone());
    let manager = Manager::connect(config).await?;
    for caller in 0..CALLERS {
        tokio::spawn(call_again_and_again(manager.clone(), caller));
    }
    #[cfg(feature = "fault-injection")]
    tokio::spawn(drill(manager.clone(), faults));
    Ok(manager)
}

/// Every other tide, when it has begun to fall, nobody connects any more and what was open is lost.
#[cfg(feature = "fault-injection")]
async fn drill(manager: Manager, faults: pool::faults::Faults) {
    const BEFORE: Duration = Duration::from_secs(14);
    const AWAY: Duration = Duration::from_secs(8);
    while !manager.is_closed() {
        sleep(BEFORE).await;
        for step in [pool::Step::Connect, pool::Step::Check] {
            faults.set_rate(step, 1.0).expect("all of them is a rate");
        }
        manager.expire_now().await;
        sleep(AWAY).await;
        faults.stop();
        sleep(2 * TIDE - BEFORE - AWAY).await;
    }
}

async fn call_again_and_again(manager: Manager, caller: u16) {
    let begun = Instant::now();
    for turn in 0_u64.. {
        let tides = begun.elapsed().as_secs_f32() / TIDE.as_secs_f32();
        let tide = 0.5 - 0.5 * (tides * std::f32::consts::TAU).cos();
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
    let ask = ask.tag("checkout").priority(Priority::High);
    let _held = manager.acquire_with(ask).await?;
    sleep(hold).await;
    Ok(())
}

async fn search(manager: &Manager, ask: Ask, hold: Duration) -> Result<(), Error> {
    let _held = manager.acquire_with(ask.tag("search")).await?;
    sleep(hold).await;
    Ok(())
}

/// After all others, and not for long.
async fn report(manager: &Manager, ask: Ask, hold: Duration) -> Result<(), Error> {
    let ask = ask.tag("report").priority(Priority::Low).within(Duration::from_millis(900));
    let _held = manager.acquire_with(ask).await?;
    sleep(hold).await;
    Ok(())
}
