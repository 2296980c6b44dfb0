//! Open-loop load: calls come when they are to come, whether or not earlier ones are done.
//!
//! A wait is measured from the moment at which the call was to come. A generator that runs late, or that held
//! a call back, makes waits longer and leaves none out: so there is no coordinated omission to correct later.

use std::sync::Arc;

use rand_distr::{Distribution, Exp1};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;

use super::clock::Clock;
use super::service::Service;
use crate::keys::rng;
use crate::pools::Subject;
use crate::pools::fake::Fake;

/// A call: when it comes and how long it holds a connection, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// When it is to come.
    pub at: f64,
    /// How long it holds its connection.
    pub hold: f64,
    /// Whether its wait is asked for. Calls that only make the load are not.
    pub counts: bool,
}

/// What became of a call, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// When it was to come.
    pub at: f64,
    /// From then until it had a connection; infinite if it got none.
    pub wait: f64,
    /// How much longer than asked it held the connection.
    pub late: f64,
    /// Whether its wait is asked for.
    pub counts: bool,
}

/// Poisson arrivals at `rate` a second, from a seed: the same ones, closer together, at a higher rate.
#[must_use]
pub fn steady(rate: f64, service: &Service, calls: usize, seed: u64) -> Vec<Call> {
    let (mut gaps, mut holds) = (rng(seed), rng(!seed));
    let mut at = 0.0;
    let call = |_| {
        let gap: f64 = Exp1.sample(&mut gaps);
        at += gap / rate;
        Call { at, hold: service.draw(&mut holds), counts: true }
    };
    (0..calls).map(call).collect()
}

/// Puts the calls on a pool, and answers what became of each. Beyond `limit` calls in flight, that wait or hold
/// a connection, a new one is refused.
///
/// # Panics
///
/// If a call's task does.
pub async fn drive<S: Subject<Fake>>(
    pool: &S,
    clock: Clock,
    calls: &[Call],
    limit: Option<usize>,
) -> Vec<Outcome> {
    let (report, mut reports) = unbounded_channel();
    let room = limit.map(|limit| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))));
    let nothing = |call: &Call| Outcome {
        at: clock.seconds(clock.span(call.at)),
        wait: f64::INFINITY,
        late: 0.0,
        counts: call.counts,
    };
    let mut outcomes: Vec<Outcome> = calls.iter().map(nothing).collect();
    let begun = Instant::now();
    for (n, call) in calls.iter().enumerate() {
        let due = begun + clock.span(call.at);
        clock.until(due).await;
        let place = room.as_ref().map(|room| Arc::clone(room).try_acquire_owned());
        if matches!(place, Some(Err(_))) {
            continue;
        }
        let served = serve(pool.clone(), clock, due, call.hold);
        let report = report.clone();
        tokio::spawn(async move {
            let served = served.await;
            // Nobody listens any more only if the test of a caller has failed.
            let _ = report.send((n, served));
            drop(place);
        });
    }
    drop(report);
    while let Some((n, served)) = reports.recv().await {
        if let Some(served) = served {
            (outcomes[n].wait, outcomes[n].late) = served;
        }
    }
    outcomes
}

/// One call: how long it waited, and how much longer than asked it held the connection.
async fn serve<S: Subject<Fake>>(
    pool: S,
    clock: Clock,
    due: Instant,
    hold: f64,
) -> Option<(f64, f64)> {
    let guard = pool.acquire().await?;
    let begun = Instant::now();
    let end = begun + clock.span(hold);
    clock.until(end).await;
    let late = clock.seconds(end.elapsed());
    drop(guard);
    Some((clock.seconds(begun.saturating_duration_since(due)), late))
}

#[cfg(test)]
mod tests {
    use super::super::simulate::simulate;
    use super::*;
    use crate::pools::subject::{Shape, warm};
    use crate::pools::subjects::Ours;

    fn driven(calls: &[Call], size: usize, limit: Option<usize>) -> Vec<Outcome> {
        let clock = Clock::virtual_for(0.01);
        clock.run(async {
            let shape = Shape { stretch: clock.stretch(), ..Shape::of(size) };
            let pool: Ours<Fake> = warm(Fake::default(), shape).await;
            drive(&pool, clock, calls, limit).await
        })
    }

    #[test]
    fn waits_are_measured_from_the_arrival_that_was_intended() {
        // One connection, a hold of 100 ms, and callers every 10 ms meanwhile: a closed loop would see one
        // slow call.
        let hold = |n: u32| if n == 0 { 0.1 } else { 0.001 };
        let calls: Vec<Call> = (0..10)
            .map(|n| Call { at: f64::from(n) * 0.01, hold: hold(n), counts: true })
            .collect();
        let waits: Vec<f64> = driven(&calls, 1, None).iter().map(|of| of.wait).collect();
        for (n, wait) in (0..10).zip(&waits).skip(1) {
            let right = 0.1 - f64::from(n) * 0.01 + f64::from(n - 1) * 0.001;
            assert!((wait - right).abs() < 3e-6, "{n}: {wait}, not {right}");
        }
    }

    /// The pool is first come, first served to the tick: each caller of 20,000 waits as long as in theory.
    #[test]
    fn every_wait_is_that_of_a_perfect_queue() {
        let calls = steady(900.0, &Service::Exponential(0.01), 20_000, 7);
        for (limit, refused) in [(None, false), (Some(13), true)] {
            let (real, ideal) = (driven(&calls, 10, limit), simulate(&calls, 10, limit));
            // Half a tick for each call of a busy period, and a call that comes at the very tick of another's
            // end may find the place full that in theory is free.
            let same = |(real, ideal): &(&Outcome, &Outcome)| {
                real.wait == ideal.wait || (real.wait - ideal.wait).abs() < 2e-4
            };
            let same = real.iter().zip(&ideal).filter(same).count();
            assert!(same > 19_900, "{same} of 20,000 with {limit:?}");
            assert_eq!(real.iter().any(|of| of.wait.is_infinite()), refused);
        }
    }
}
