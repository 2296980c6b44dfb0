//! Throughput against concurrency: where more callers bring no more.

use serde::Serialize;
use tokio::time::Instant;

use super::clock::Clock;
use super::input::Input;
use super::load::take;
use super::service::Service;
use crate::keys::rng;
use crate::number::float;
use crate::pools::Subject;
use crate::pools::fake::Fake;

/// What part of the highest throughput counts as having reached it.
const REACHED: f64 = 0.95;

/// One concurrency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Callers that never pause.
    pub concurrency: usize,
    /// Calls a second, of all together.
    pub throughput: f64,
    /// How long a connection was held on average.
    pub service_ms: f64,
}

/// The curve.
#[derive(Clone, Debug, Serialize)]
pub struct Knee {
    /// Its steps, by concurrency.
    pub steps: Vec<Step>,
    /// The least concurrency of these at which the throughput is within 5 % of the highest.
    pub at: usize,
}

impl Knee {
    /// Finds the knee of steps.
    #[must_use]
    pub fn of(steps: Vec<Step>) -> Self {
        let most = steps.iter().map(|step| step.throughput).fold(0.0, f64::max);
        let reached = steps.iter().find(|step| step.throughput >= REACHED * most);
        Self { at: reached.map_or(0, |step| step.concurrency), steps }
    }
}

/// A step on a pool: so many callers, for so many seconds.
///
/// # Panics
///
/// If a caller's task does.
pub async fn step<S: Subject<Fake>>(
    pool: &S,
    clock: Clock,
    input: &Input,
    concurrency: usize,
    seconds: f64,
) -> Step {
    let begun = Instant::now();
    let end = begun + clock.span(seconds);
    let wanted = input.held;
    let caller = |pool: S, service: Service, seed: u64| async move {
        let (mut rng, mut held) = (rng(seed), Vec::new());
        while let Some(guards) = take(&pool, wanted).await {
            let hold = service.draw(&mut rng);
            clock.until(Instant::now() + clock.span(hold)).await;
            drop(guards);
            if Instant::now() > end {
                break;
            }
            held.push(hold);
        }
        held
    };
    let callers: Vec<_> = (0..concurrency)
        .zip(1..)
        .map(|(_, seed)| tokio::spawn(caller(pool.clone(), input.service.clone(), seed)))
        .collect();
    let mut held = Vec::new();
    for caller in callers {
        held.extend(caller.await.expect("no caller panics"));
    }
    let service_ms = held.iter().sum::<f64>() / float(held.len()) * 1e3;
    Step { concurrency, throughput: float(held.len()) / seconds, service_ms }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::input::tests::exponential;
    use crate::pools::subject::{Shape, warm};
    use crate::pools::subjects::Ours;

    #[test]
    fn the_knee_of_a_pool_is_its_size() {
        let clock = Clock::virtual_for(0.01);
        let service = Service::Constant(0.01);
        let input = Input { service, ..exponential(1.0, 1.0) };
        let steps = clock.run(async {
            let shape = Shape { stretch: clock.stretch(), ..Shape::of(4) };
            let pool: Ours<Fake> = warm(Fake::default(), shape).await;
            let mut steps = Vec::new();
            for concurrency in [1, 2, 4, 8, 16] {
                steps.push(step(&pool, clock, &input, concurrency, 1.0).await);
            }
            steps
        });
        let knee = Knee::of(steps);
        assert_eq!(knee.at, 4, "{knee:?}");
        let [one, .., last] = &knee.steps[..] else { panic!("five steps") };
        assert!((one.throughput - 100.0).abs() < 2.0 && (last.throughput - 400.0).abs() < 8.0);
    }
}
