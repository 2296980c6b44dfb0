//! Callers that hold several connections: below which size can they wait for one another for ever?
//!
//! Shown on the pool: all callers take all their connections but the last, and only then ask for that. Always in
//! virtual time, since it is a matter of who waits for whom, and not of how long.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Barrier;
use tokio::time::Instant;

use super::clock::Clock;
use super::input::Input;
use super::load::take;
use super::runner::shape;
use crate::pools::Subject;
use crate::pools::fake::Fake;
use crate::pools::subject::warm;
use crate::pools::subjects::Ours;

/// Larger pools are not set up to show it.
const MOST: usize = 20_000;

/// How many callers are served at the floor, and with one connection less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Deadlock {
    /// Callers.
    pub callers: usize,
    /// Connections that each holds at a time.
    pub held: usize,
    /// The least size at which one of them always has all it wants.
    pub floor: usize,
    /// How many callers were served with so many.
    pub served: usize,
    /// How many were with one less. The others waited until the pool gave up.
    pub served_below: usize,
}

impl Deadlock {
    /// What that means, in words.
    #[must_use]
    pub fn says(&self) -> String {
        let Self { callers, held, floor, served, served_below } = self;
        format!(
            "Callers hold {held} connections at a time, in all runs here, too. Below {floor} connections they can wait \
             for one another for ever. Tried on the pool, with {callers} callers that have all but their last one: \
             {served} are served with {floor} connections, and {served_below} with {}, until the pool gives up.",
            floor - 1
        )
    }
}

/// Tries both sizes, if callers hold several connections.
#[must_use]
pub fn deadlock(input: &Input) -> Option<Deadlock> {
    let floor = input.deadlock_floor().filter(|floor| *floor <= MOST)?;
    let (callers, held) = (input.concurrency?, input.held);
    let served = |size| {
        let clock = Clock::virtual_for(input.service.mean());
        clock.run(async {
            let pool: Ours<Fake> = warm(Fake::default(), shape(input, clock, size)).await;
            served(&pool, clock, input).await
        })
    };
    Some(Deadlock { callers, held, floor, served: served(floor), served_below: served(floor - 1) })
}

/// How many of all callers get their last connection.
async fn served<S: Subject<Fake>>(pool: &S, clock: Clock, input: &Input) -> usize {
    let callers = input.concurrency.unwrap_or(0);
    let all_hold = Arc::new(Barrier::new(callers));
    let (held, hold) = (input.held, input.service.mean());
    let caller = |pool: S, all_hold: Arc<Barrier>| async move {
        let held = take(&pool, held - 1).await;
        all_hold.wait().await;
        let last = take(&pool, 1).await;
        clock.until(Instant::now() + clock.span(hold)).await;
        held.is_some() && last.is_some()
    };
    let callers: Vec<_> =
        (0..callers).map(|_| tokio::spawn(caller(pool.clone(), Arc::clone(&all_hold)))).collect();
    let mut served = 0;
    for caller in callers {
        served += usize::from(caller.await.expect("no caller panics"));
    }
    served
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::input::tests::exponential;

    #[test]
    fn at_the_floor_all_are_served_and_below_it_nobody() {
        for (callers, held) in [(2, 2), (10, 3), (7, 5)] {
            let input = Input { concurrency: Some(callers), held, ..exponential(100.0, 8.0) };
            let floor = callers * (held - 1) + 1;
            let right = Deadlock { callers, held, floor, served: callers, served_below: 0 };
            assert_eq!(deadlock(&input), Some(right));
        }
        assert_eq!(deadlock(&exponential(100.0, 8.0)), None);
    }
}
