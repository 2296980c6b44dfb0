//! The mixes of calls that long runs go through: tiny blocks and few keys, so that blocks split, freeze and
//! are absorbed all the time, with two, four and eight threads.

use crate::map_spec::Subject;
use crate::ours::{Ours, Strings};
use crate::plan::{ALL_KINDS, BATCHES, CHURN, ENDS, SNAPSHOTS, Shape, Weights};

/// What a workload is run with: real threads, or a scheduler's.
pub trait Runner {
    /// What a run tells.
    type Outcome;

    /// Runs a workload on maps of one kind.
    fn run<S: Subject>(&self, workload: &Workload) -> Self::Outcome;
}

/// A mix of calls on maps with blocks of one size.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is about.
    pub name: &'static str,
    /// How large its histories are.
    pub shape: Shape,
    blocks: Blocks,
}

/// The slots of a leaf.
#[derive(Clone, Copy, Debug)]
enum Blocks {
    Two,
    Three,
    /// Four slots, the fewest of which strings get a prefix.
    FourOfStrings,
    Usual,
}

impl Workload {
    /// Runs it on our map.
    pub fn run<R: Runner>(&self, runner: &R) -> R::Outcome {
        match self.blocks {
            Blocks::Two => runner.run::<Ours<2, 4>>(self),
            Blocks::Three => runner.run::<Ours<3, 4>>(self),
            Blocks::FourOfStrings => runner.run::<Ours<4, 4, Strings>>(self),
            Blocks::Usual => runner.run::<Ours<28, 60>>(self),
        }
    }
}

const fn workload(
    name: &'static str,
    blocks: Blocks,
    (threads, ops_per_thread, keys): (usize, usize, u8),
    weights: Weights,
) -> Workload {
    let shape = Shape { threads, ops_per_thread, keys, prefill: 0.5, weights };
    Workload { name, shape, blocks }
}

/// All of them. In brackets: threads, calls of each, keys.
pub const ALL: &[Workload] = &[
    workload("two threads, all calls", Blocks::Two, (2, 10, 6), ALL_KINDS),
    workload("two threads, churn", Blocks::Two, (2, 16, 12), CHURN),
    workload("two threads, ends", Blocks::Two, (2, 10, 5), ENDS),
    workload("two threads, snapshots", Blocks::Two, (2, 8, 6), SNAPSHOTS),
    workload("four threads, snapshots", Blocks::Two, (4, 4, 6), SNAPSHOTS),
    workload("two threads, batches", Blocks::Two, (2, 8, 8), BATCHES),
    workload("four threads, batches", Blocks::Two, (4, 4, 8), BATCHES),
    workload("two threads, strings", Blocks::FourOfStrings, (2, 12, 12), ALL_KINDS),
    workload("four threads, all calls", Blocks::Three, (4, 5, 6), ALL_KINDS),
    workload("four threads, churn", Blocks::Two, (4, 6, 8), CHURN),
    workload("four threads, ends", Blocks::Two, (4, 5, 6), ENDS),
    workload("eight threads, all calls", Blocks::Two, (8, 3, 5), ALL_KINDS),
    workload("eight threads, churn", Blocks::Two, (8, 3, 8), CHURN),
    workload("eight threads, blocks of the usual size", Blocks::Usual, (8, 3, 3), ALL_KINDS),
];
