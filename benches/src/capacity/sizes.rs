//! The sizes of a plan: which are tried, and which is the least that holds the target.

use std::collections::BTreeMap;

use super::figures::Figures;
use super::predict::{predict, size_for};
use super::report::Row;
use super::runner::{Peer, Runner};
use crate::number::count;

/// Sizes beyond so many times the least are not tried.
const MOST: usize = 4;

/// The sizes that were tried, and what was found.
#[derive(Debug)]
pub struct Sizes<'r> {
    runner: &'r Runner<'r>,
    peer: Peer,
    tried: BTreeMap<usize, Option<Figures>>,
}

impl<'r> Sizes<'r> {
    /// None tried yet.
    #[must_use]
    pub fn new(runner: &'r Runner, peer: Peer) -> Self {
        Self { runner, peer, tried: BTreeMap::new() }
    }

    /// What a size does; nothing where the queue would grow for ever.
    pub fn measure(&mut self, size: usize) -> Option<Figures> {
        let (runner, peer) = (self.runner, self.peer);
        let run = || {
            let stable = runner.input.is_stable(size, runner.input.rate);
            let figures = stable.then(|| runner.figures(peer, size, 1.0));
            if let Some(run) = &figures {
                eprintln!(
                    "{:>12} {size:>5}: p{} {:.2} ms",
                    peer.name(),
                    runner.input.quantile,
                    run.target_ms
                );
            }
            figures
        };
        *self.tried.entry(size).or_insert_with(run)
    }

    /// Whether a size holds the target. None does at which callers can wait for one another for ever.
    pub fn holds(&mut self, size: usize) -> bool {
        let wait_ms = self.runner.input.wait_ms;
        let floor = self.runner.input.floor();
        size >= floor && self.measure(size).is_some_and(|run| run.holds(wait_ms))
    }

    /// The least size that holds the target and of which every measured larger one does, looked for from a guess.
    pub fn least_that_holds(&mut self, guess: usize, most: usize) -> Option<usize> {
        let mut size = guess.clamp(1, most);
        while !self.holds(size) {
            if size == most {
                return None;
            }
            size = (size + 1 + size / 16).min(most);
        }
        while size > 1 && self.holds(size - 1) {
            size -= 1;
        }
        Some(size)
    }

    /// The rows of all that were tried. `is` says why a size is in the table.
    #[must_use]
    pub fn rows(&self, is: impl Fn(usize) -> Vec<&'static str>) -> Vec<Row> {
        let input = self.runner.input;
        let row = |(size, measured): (&usize, &Option<Figures>)| Row {
            size: *size,
            is: is(*size),
            utilisation: input.utilisation(*size) * 100.0,
            measured: *measured,
            predicted: predict(input, *size, input.rate, self.runner.scale.simulated),
            holds: *size >= input.floor() && measured.is_some_and(|run| run.holds(input.wait_ms)),
        };
        self.tried.iter().map(row).collect()
    }
}

/// The least size that is predicted to hold, or the most that may be.
#[must_use]
pub fn guess(runner: &Runner, most: usize) -> usize {
    let input = runner.input;
    let least = input.least().min(most);
    size_for(input, input.rate, least, most, runner.scale.simulated).unwrap_or(most)
}

/// The most connections that an instance may have.
#[must_use]
pub fn most(runner: &Runner) -> usize {
    let input = runner.input;
    let enough = input.least().max(count(input.offered())) * MOST + 32;
    let enough = enough.max(input.floor());
    // More connections than callers are never borrowed.
    let callers = input.concurrency.map_or(enough, |callers| callers.saturating_mul(input.held));
    enough.min(callers).min(input.share(input.instances).unwrap_or(usize::MAX)).max(1)
}

/// Sizes around one, from the least that is stable: what the curves are drawn through.
#[must_use]
pub fn around(runner: &Runner, size: usize, most: usize) -> Vec<usize> {
    let least = runner.input.least().max(runner.input.floor());
    let step = (size / 12).max(1);
    let mut sizes = vec![least, size];
    sizes.extend((1..=4).map(|n| size.saturating_sub(n * step)));
    sizes.extend([1, 2, 4, 8].map(|n| size + n * step));
    sizes.retain(|size| (least..=most).contains(size));
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::clock::Clock;
    use crate::capacity::input::{Input, tests::exponential};
    use crate::capacity::runner::Scale;

    #[test]
    fn the_size_below_the_least_does_not_hold() {
        let input = exponential(1_000.0, 8.0);
        let scale = Scale { calls: 8_000, ..Scale::TINY };
        let runner = Runner { input: &input, clock: Clock::virtual_for(8e-3), scale };
        for guess in [9, 20] {
            let mut sizes = Sizes::new(&runner, Peer::Ours);
            let least = sizes.least_that_holds(guess, 40).unwrap();
            assert!((12..=18).contains(&least), "{least}");
            assert!(sizes.holds(least) && !sizes.holds(least - 1));
        }
        assert_eq!(Sizes::new(&runner, Peer::Ours).least_that_holds(9, 10), None);
    }

    #[test]
    fn no_more_are_tried_than_the_server_or_the_callers_allow() {
        let input = Input { server_limit: Some(30), instances: 2, ..exponential(1_000.0, 8.0) };
        let most_of =
            |input: &Input| most(&Runner { input, clock: Clock::WALL, scale: Scale::TINY });
        assert_eq!(most_of(&input), 15);
        assert_eq!(most_of(&Input { concurrency: Some(12), ..input.clone() }), 12);
        let nested = Input { concurrency: Some(200), held: 2, ..exponential(1_000.0, 8.0) };
        assert_eq!(most_of(&nested), 201);
        let runner = Runner { input: &input, clock: Clock::WALL, scale: Scale::TINY };
        assert_eq!(around(&runner, 13, 15), [9, 10, 11, 12, 13, 14, 15]);
    }
}
