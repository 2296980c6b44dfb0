//! A slot: the place of one resource from before it is made until after it is closed.

use tokio::time::Instant;

use super::Caller;

/// Who holds a resource, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) since: Instant,
    pub(crate) caller: Caller,
}

/// What happens in a slot.
pub(crate) enum Stage<R> {
    Empty,
    /// Reserved for a resource that is being made.
    Connecting,
    Idle(R),
    /// A borrower has it, or a waiter's cell. The slot's `hold` says who.
    Lent,
    /// A task has it, and will hand it to a waiter.
    Checking,
    /// A task has it, and will give it back. Nobody waits for that.
    Inspecting,
    /// A task has it, and will close it.
    Retiring,
}

/// A resource on its way, with the slot that it belongs to.
#[derive(Debug)]
pub(crate) struct Lease<R> {
    pub(crate) slot: usize,
    /// Since when a borrower has it. None if no borrower does.
    pub(crate) since: Option<Instant>,
    pub(crate) resource: R,
}

pub(super) struct Slot<R> {
    pub(super) stage: Stage<R>,
    /// Who holds the resource, at [`Stage::Lent`] only. Beside the stage, which so is small to move.
    pub(super) hold: Option<Hold>,
    /// The pool's generation when the making of the resource began.
    pub(super) generation: u64,
}

/// A slot as statistics show it.
#[derive(Debug)]
pub(crate) struct Row<I> {
    pub(crate) slot: usize,
    pub(crate) stage: &'static str,
    /// What was asked about the resource, when it is idle.
    pub(crate) idle: Option<I>,
    pub(crate) hold: Option<Hold>,
}

impl<R> Slot<R> {
    pub(super) fn empty() -> Self {
        Self { stage: Stage::Empty, hold: None, generation: 0 }
    }

    pub(super) fn row<I>(&self, slot: usize, look: impl Fn(&R) -> I) -> Option<Row<I>> {
        let (stage, idle, hold) = match &self.stage {
            Stage::Empty => return None,
            Stage::Connecting => ("connecting", None, None),
            Stage::Idle(resource) => ("idle", Some(look(resource)), None),
            Stage::Lent => ("in use", None, self.hold.clone()),
            Stage::Checking | Stage::Inspecting => ("checking", None, None),
            Stage::Retiring => ("closing", None, None),
        };
        Some(Row { slot, stage, idle, hold })
    }
}
