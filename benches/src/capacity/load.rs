//! Open-loop load: calls come when they are to come, whether or not earlier ones are done.
//!
//! A wait is measured from the moment at which the call was to come. A generator that runs late, or that held
//! a call back, makes waits longer and leaves none out: so there is no coordinated omission to correct later.

use std::sync::Arc;

use rand_distr::{Distribution, Exp1};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, timeout};

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

/// How callers behave.
#[derive(Clone, Copy, Debug)]
pub struct Callers {
    /// Calls in flight, that wait or hold connections, beyond which a new one is refused.
    pub limit: Option<usize>,
    /// How many connections a call takes, one after the other, before it holds them all for its time.
    pub held: usize,
    /// When no call has ended for so many seconds after the last one came, none of the others will.
    pub patience: f64,
}

/// What became of a call, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// When it was to come.
    pub at: f64,
    /// From then until it had its connections; infinite if it did not get them.
    pub wait: f64,
    /// How much longer than asked it held them.
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

/// Puts the calls on a pool, and answers what became of each. Ends even if calls do not.
///
/// # Panics
///
/// If a call's task does.
pub async fn drive<S: Subject<Fake>>(
    pool: &S,
    clock: Clock,
    calls: &[Call],
    callers: Callers,
) -> Vec<Outcome> {
    let (report, mut reports) = unbounded_channel();
    let room =
        callers.limit.map(|limit| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))));
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
        let served = serve(pool.clone(), clock, due, call.hold, callers.held);
        let report = report.clone();
        tokio::spawn(async move {
            let served = served.await;
            // Nobody listens any more only if the test of a caller has failed.
            let _ = report.send((n, served));
            drop(place);
        });
    }
    drop(report);
    let patience = clock.span(callers.patience);
    while let Ok(Some((n, served))) = timeout(patience, reports.recv()).await {
        if let Some(served) = served {
            (outcomes[n].wait, outcomes[n].late) = served;
        }
    }
    outcomes
}

/// So many connections, taken one after the other. `None`: the pool gave up, and those it had given are back.
pub(super) async fn take<S: Subject<Fake>>(pool: &S, held: usize) -> Option<Vec<S::Guard>> {
    let mut guards = Vec::with_capacity(held);
    for _ in 0..held {
        guards.push(pool.acquire().await?);
    }
    Some(guards)
}

/// One call: how long it waited, and how much longer than asked it held its connections.
async fn serve<S: Subject<Fake>>(
    pool: S,
    clock: Clock,
    due: Instant,
    hold: f64,
    held: usize,
) -> Option<(f64, f64)> {
    let guards = take(&pool, held).await?;
    let begun = Instant::now();
    let end = begun + clock.span(hold);
    clock.until(end).await;
    let late = clock.seconds(end.elapsed());
    drop(guards);
    Some((clock.seconds(begun.saturating_duration_since(due)), late))
}

#[cfg(test)]
mod tests {
    use super::super::simulate::simulate;
    use super::*;
    use crate::pools::subject::{Shape, warm};
    use crate::pools::subjects::Ours;

    fn of(limit: Option<usize>, held: usize) -> Callers {
        Callers { limit, held, patience: 60.0 }
    }

    fn driven(calls: &[Call], size: usize, callers: Callers) -> Vec<Outcome> {
        let clock = Clock::virtual_for(0.01);
        clock.run(async {
            let shape = Shape { stretch: clock.stretch(), ..Shape::of(size) };
            let pool: Ours<Fake> = warm(Fake::default(), shape).await;
            drive(&pool, clock, calls, callers).await
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
        let waits: Vec<f64> = driven(&calls, 1, of(None, 1)).iter().map(|of| of.wait).collect();
        for (n, wait) in (0..10).zip(&waits).skip(1) {
            let right = 0.1 - f64::from(n) * 0.01 + f64::from(n - 1) * 0.001;
            assert!((wait - right).abs() < 3e-6, "{n}: {wait}, not {right}");
        }
    }

    /// The pool is first come, first served to the tick: each caller of 20,000 waits as long as in theory.
    #[test]
    fn every_wait_is_that_of_a_perfect_queue() {
        let calls = steady(900.0, &Service::Exponential(0.01), 20_000, 7);
        for (size, callers, refused) in
            [(10, of(None, 1), false), (10, of(Some(13), 1), true), (36, of(Some(13), 3), true)]
        {
            let (real, ideal) = (driven(&calls, size, callers), simulate(&calls, size, callers));
            // Half a tick for each call of a busy period, and a call that comes at the very tick of another's
            // end may find the place full that in theory is free.
            let same = |(real, ideal): &(&Outcome, &Outcome)| {
                real.wait == ideal.wait || (real.wait - ideal.wait).abs() < 2e-4
            };
            let same = real.iter().zip(&ideal).filter(same).count();
            assert!(same > 19_900, "{same} of 20,000 with {callers:?}");
            assert_eq!(real.iter().any(|of| of.wait.is_infinite()), refused);
        }
    }

    #[test]
    fn a_run_ends_even_if_its_calls_do_not() {
        // Two callers that come together, and want two connections each, of one.
        let calls = [Call { at: 0.0, hold: 0.001, counts: true }; 2];
        let stuck = driven(&calls, 1, of(Some(2), 2));
        assert!(stuck.iter().all(|of| of.wait.is_infinite()), "{stuck:?}");
    }
}
