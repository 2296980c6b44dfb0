//! Which step meets which fault.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Fault, FaultCounts};
use crate::id::{GOLDEN, scramble};
use crate::step::Step;

#[derive(Default)]
pub(super) struct Plan(BTreeMap<Step, OfStep>);

/// What is planned for the steps of a kind, and what became of them.
#[derive(Default)]
pub(super) struct OfStep {
    pub(super) fails: f64,
    pub(super) delayed: (f64, Duration),
    pub(super) script: BTreeMap<u64, Fault>,
    pub(super) counts: FaultCounts,
}

impl Plan {
    pub(super) fn of(&mut self, step: Step) -> &mut OfStep {
        self.0.entry(step).or_default()
    }

    pub(super) fn stop(&mut self) {
        for of_step in self.0.values_mut() {
            *of_step = OfStep { counts: of_step.counts, ..OfStep::default() };
        }
    }

    pub(super) fn counts(&self) -> BTreeMap<Step, FaultCounts> {
        let seen = self.0.iter().filter(|(_, of_step)| of_step.counts.seen > 0);
        seen.map(|(step, of_step)| (*step, of_step.counts)).collect()
    }
}

impl OfStep {
    /// Counts the next step, and answers which it is and what it meets.
    pub(super) fn next(&mut self, seed: u64, step: Step) -> (u64, Option<Fault>) {
        self.counts.seen += 1;
        let nth = self.counts.seen;
        let fault = self.script.remove(&nth).or_else(|| self.drawn(seed, step, nth));
        match fault {
            None => {}
            Some(Fault::Fail) => self.counts.failed += 1,
            Some(Fault::Delay(_)) => self.counts.delayed += 1,
        }
        (nth, fault)
    }

    fn drawn(&self, seed: u64, step: Step, nth: u64) -> Option<Fault> {
        let (rate, delay) = self.delayed;
        if draw(seed, step, nth, 0) < self.fails {
            Some(Fault::Fail)
        } else if draw(seed, step, nth, 1) < rate {
            Some(Fault::Delay(delay))
        } else {
            None
        }
    }
}

/// A number from 0 up to 1, without 1, that depends on what it is drawn for alone: no order of other steps
/// changes it.
fn draw(seed: u64, step: Step, nth: u64, purpose: u64) -> f64 {
    let kind = Step::ALL.iter().position(|other| *other == step).unwrap_or(Step::ALL.len());
    let key = u64::try_from(kind).unwrap_or(0) * 2 + purpose;
    let of_kind = scramble(seed ^ (key + 1).wrapping_mul(GOLDEN));
    let bits = scramble(of_kind ^ nth.wrapping_mul(GOLDEN));
    let high = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}
