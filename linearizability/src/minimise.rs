//! Cutting a failing history down to what shows the failure, without making one up.
//!
//! Leaving out a write that another answer depends on makes a false failure. So a step is taken
//! only if it is *sound* (a linearizable history stays linearizable, hence a history that fails
//! after the step failed before it) and the history still fails. There are three such steps.
//! Let L be any legal order of the whole history.
//!
//! - *Cut* after tick t ([`History::cut_at`]). A call that begins after t comes, in L, after
//!   every call that returned by t. So the part of L up to the last call that returned by t
//!   holds calls begun by t only, is legal, and leaves out at most calls that were still
//!   running at t: those which the cut history leaves open.
//! - *Drop a read* ([`without_call`]). It changes nothing, so L without it is legal.
//! - *Drop a part* of the state, for a map a key ([`without_part`]): all calls whose footprint
//!   has that part, provided none of them changes any other part. What is left of L neither
//!   looks at that part nor misses a change to another, so it is legal.
//!
//! An open write is not dropped on its own, although its effect is optional: another call's
//! answer may need it.

use std::collections::BTreeSet;

use crate::history::History;
use crate::linearize::{Spec, SpecHistory, Violation, check};

/// The smallest failing history that the sound steps reach, and its violation;
/// `None` if the history is linearizable.
pub fn minimise<S: Spec>(history: &SpecHistory<S>) -> Option<(SpecHistory<S>, Violation)> {
    let violation = check::<S>(history).err()?;
    let mut smallest = (history.clone(), violation);
    smallest = failing::<S>(smallest.0.cut_at(smallest.1.tick)).unwrap_or(smallest);
    while let Some(smaller) = shrink::<S>(&smallest.0) {
        smallest = smaller;
    }
    Some(smallest)
}

/// A failing history with fewer calls, by the first step that gives one.
fn shrink<S: Spec>(history: &SpecHistory<S>) -> Option<(SpecHistory<S>, Violation)> {
    let parts = parts::<S>(history).into_iter();
    let parts = parts.filter_map(|part| without_part::<S>(history, part));
    let calls = (0..history.calls().len()).rev();
    let calls = calls.filter_map(|index| without_call::<S>(history, index));
    parts.chain(calls).find_map(failing::<S>)
}

fn failing<S: Spec>(history: SpecHistory<S>) -> Option<(SpecHistory<S>, Violation)> {
    let violation = check::<S>(&history).err()?;
    Some((history, violation))
}

/// The parts that some call changes alone, which are the ones worth trying to drop.
pub fn parts<S: Spec>(history: &SpecHistory<S>) -> BTreeSet<u32> {
    let calls = history.calls().iter();
    let changes = calls.filter_map(|call| S::footprint(&call.op, &call.ret).changes);
    changes.filter(|range| range.start() == range.end()).map(|range| *range.start()).collect()
}

/// The history without a call, if that call is a read.
pub fn without_call<S: Spec>(history: &SpecHistory<S>, index: usize) -> Option<SpecHistory<S>> {
    let calls = history.calls();
    let dropped = &calls[index];
    if S::footprint(&dropped.op, &dropped.ret).changes.is_some() {
        return None;
    }
    let kept = calls.iter().enumerate().filter(|&(i, _)| i != index);
    Some(History::new(kept.map(|(_, call)| call.clone()).collect()))
}

/// The history without the calls that have to do with a part, if that is sound.
pub fn without_part<S: Spec>(history: &SpecHistory<S>, part: u32) -> Option<SpecHistory<S>> {
    let mut sound = true;
    let kept = history.retain(|call| {
        let footprint = S::footprint(&call.op, &call.ret);
        let changes = footprint.changes.as_ref();
        let touches =
            footprint.depends_on.contains(&part) || changes.is_some_and(|c| c.contains(&part));
        sound &= !touches || changes.is_none_or(|c| *c == (part..=part));
        !touches
    });
    sound.then_some(kept)
}
