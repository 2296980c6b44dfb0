//! The state machine of the pool: who has what, and who is next. No I/O, no clock, no runtime; the
//! resource is of any type.
//!
//! # Invariants
//!
//! They hold whenever the lock is free.
//!
//! * **C1** Each slot is at one [`Stage`]. A resource exists, is being made or is being closed only in a slot
//!   that is not empty. An empty slot is reserved only while fewer than `limit` are not; so there are never
//!   more than `limit`, unless that was lowered since: then whatever comes back beyond it is closed.
//! * **C2** `empty` and `idle` are exactly the slots at these stages.
//! * **C3** Whoever waits is in the queue, in its tenant's account. The account's claims are as many of these
//!   as the tenant may have more. `is_crowded` says whether there are any claims: whether anybody waits who
//!   could be served.
//! * **C4** A newcomer takes an idle resource only when there are no claims and its tenant may have one more.
//!   Of one account, whoever waits is served in the order of (coming + allowance of its priority, priority,
//!   ticket); without [`Ageing`], of (priority, ticket). Which account is next, of those with claims, says
//!   `Account::before`.
//! * **C5** A resource has one owner: its slot (idle), a borrower or a task (a [`Lease`]), or the cell of a
//!   waiter that was taken off the queue when it was put there. A waiter that leaves gives back what is in
//!   its cell. Only the owner records in the slot's [`Timings`]: before it gives the resource away.
//! * **C6** `supplying` counts the slots whose resource is being made or checked. [`Core::supply`] starts
//!   checks while there are idle resources and fewer checks than claims, and then makes resources while there
//!   are empty slots and less under way than claims; whoever ends one in failure, empties a slot, ends a loan
//!   otherwise than by giving back, or lets a tenant have more, calls it again. So nobody waits while something
//!   more could be done for them. A resource that is being inspected is not counted: nobody relies on it.
//! * **C7** A resource of an old generation becomes neither idle nor anybody's: it is answered to be closed.
//!   After [`Core::close`] that goes for all, and the queue is and stays empty.
//! * **C8** An account's `in_use` is how many slots are at [`Stage::Lent`] in its name. A loan begins only
//!   while it is below the tenant's maximum, so it is above only if that was lowered since. A loan is ended
//!   before what it frees finds its next owner, which so may be of the same tenant.
//! * **C9** An account is closed only while nothing is lent or waited for in its name; whoever looked it up
//!   before learns so under the lock, and looks again. So a tenant has one account at a time.
//! * **C10** From [`Core::trip`] to [`Core::untrip`] the queue is empty: whoever would join it is refused.
//! * **C11** Where resources are prepared for each loan, one that was used before is handed over only by
//!   [`Core::pass_on`], that is, by a task that has prepared it. Whoever gives one back makes it idle, and
//!   calls [`Core::supply`].
//!
//! # Why a lock
//!
//! A step changes a slot, two sets and some counters together, in some tens of nanoseconds. One short
//! uncontended lock costs less than the atomics that would be needed otherwise, and C1 to C11 can be read off
//! the code. Who waits has a mutex of its own for what it is given, so it takes the lock once, to join the
//! queue, and is served under that of whoever gives back. Nothing is woken, made, closed or dropped under it.
//! Lock order: state, then a waiter's cell.
//!
//! # What is inlined
//!
//! All of this is generic, so it is compiled in the crate of whoever uses the pool: a function in one codegen
//! unit, where the others call it, if it is not `#[inline]`. On the way of every loan each such call cost as
//! much as what was called. What only tenants, tags, spans, limits and failures need is out of line instead.

mod account;
mod bits;
mod lines;
#[cfg(all(test, pool_loom))]
mod loom;
mod queue;
mod serve;
mod slot;
mod supply;
mod tally;
mod tenancy;
#[cfg(all(test, not(pool_loom)))]
mod tests;
mod timings;
mod waiter;

use std::panic::Location;
use std::sync::Arc;

use tokio::time::Instant;

pub(crate) use self::account::Standing;
use self::bits::Bits;
use self::queue::Queue;
pub(crate) use self::queue::Turn;
pub(crate) use self::serve::Place;
use self::slot::Slot;
pub(crate) use self::slot::{Hold, Lease, Row, Stage};
pub(crate) use self::supply::{AfterFailure, Job};
pub(crate) use self::tally::Tally;
pub(crate) use self::tenancy::{Tenancy, Unset};
use self::timings::Timings;
pub(crate) use self::waiter::Waiter;
use crate::ask::{Ageing, Priority};
use crate::error::Cause;
use crate::gate::Marks;
use crate::histogram::{Histogram, Times};
use crate::reason::Reason;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// Why a waiter is sent away.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Closed,
    /// An attempt to connect that began after the waiter came has failed, and nothing else can serve it.
    Connect(Cause),
    /// Nobody waits while the circuit is open (C10).
    Tripped,
    /// Its time is over.
    Late,
    /// The tenant's account was closed since it was looked up.
    Forgotten,
}

/// What a newcomer finds.
pub(crate) enum Take<R> {
    Lease(Lease<R>),
    Wait,
    Closed,
    /// The tenant's account was closed since it was looked up.
    Forgotten,
}

/// What becomes of a resource that is given back.
pub(crate) enum GivenBack<R> {
    /// It is idle, or somebody else's.
    Kept,
    /// The caller has to close it and then to vacate its slot, which is at [`Stage::Retiring`].
    Retire(Lease<R>, Reason),
}

/// How many slots are at which stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) max: usize,
    /// Not empty: all that counts against `max`.
    pub(crate) open: usize,
    pub(crate) idle: usize,
    pub(crate) lent: usize,
    pub(crate) connecting: usize,
    pub(crate) checking: usize,
    pub(crate) waiting: usize,
}

/// All that is known at one moment.
pub(crate) struct Snapshot<I> {
    pub(crate) counts: Counts,
    pub(crate) tally: Tally,
    pub(crate) rows: Vec<Row<I>>,
    pub(crate) standings: Vec<Standing>,
    pub(crate) closed: bool,
}

impl Counts {
    /// Resources that exist and may be used again.
    pub(crate) fn live(&self) -> usize {
        self.idle + self.lent + self.checking
    }
}

pub(crate) struct Core<R> {
    state: Mutex<State<R>>,
    /// Whether anybody waits who could be served, for newcomers who need not take the lock to learn it (C3).
    is_crowded: AtomicBool,
    /// Whether a task prepares each resource before each loan (C11).
    prepares: bool,
    /// One for each slot, written without the lock (C5).
    timings: Box<[Timings]>,
}

struct State<R> {
    slots: Box<[Slot<R>]>,
    /// How many slots may be used: all, or fewer.
    limit: usize,
    idle: Bits,
    empty: Bits,
    queue: Queue<R>,
    /// When [`Core::send_late_away`] is to be called next.
    alarm: Option<Instant>,
    supplying: usize,
    connecting: usize,
    inspecting: usize,
    lent: usize,
    retiring: usize,
    generation: u64,
    /// Why resources of old generations are closed.
    outdated: Reason,
    closed: bool,
    tripped: bool,
    /// While connecting fails, one attempt at a time: the slot in which it is made, and whether it does.
    failing: bool,
    prober: Option<usize>,
    tally: Tally,
}

impl<R> Core<R> {
    /// A core of so many slots, all of which may be used.
    pub(crate) fn new(slots: usize, ageing: Option<Ageing>) -> Self {
        let mut empty = Bits::with_room(slots);
        (0..slots).for_each(|slot| empty.insert(slot));
        let state = State {
            slots: (0..slots).map(|_| Slot::empty()).collect(),
            limit: slots,
            idle: Bits::with_room(slots),
            empty,
            queue: Queue::new(slots, ageing),
            alarm: None,
            supplying: 0,
            connecting: 0,
            inspecting: 0,
            lent: 0,
            retiring: 0,
            generation: 0,
            outdated: Reason::Reset,
            closed: false,
            tripped: false,
            failing: false,
            prober: None,
            tally: Tally::default(),
        };
        let timings = (0..slots).map(|_| Timings::default()).collect();
        let is_crowded = AtomicBool::new(false);
        Self { state: Mutex::new(state), is_crowded, prepares: false, timings }
    }

    /// Whether a task prepares each resource before each loan (C11). Nothing is `fresh` then.
    pub(crate) fn preparing(self, prepares: bool) -> Self {
        Self { prepares, ..self }
    }

    /// Makes all resources outdated: the idle ones are answered, to be closed, and the others are closed
    /// when they come back. Borrowers are not disturbed.
    pub(crate) fn next_generation(&self, reason: Reason) -> Vec<Lease<R>> {
        let mut state = self.state.lock();
        state.generation += 1;
        state.outdated = reason;
        state.take_all_idle()
    }

    /// Lets so many slots be used, at most all. Answers the idle resources that are beyond, to be closed; those
    /// that are lent are closed when they come back. The caller calls [`supply`](Self::supply) next (C6).
    pub(crate) fn set_limit(&self, limit: usize) -> Vec<Lease<R>> {
        let mut state = self.state.lock();
        state.limit = limit.min(state.slots.len());
        let limit = state.limit;
        state.queue.set_limit(limit);
        let mut beyond = Vec::new();
        while state.is_beyond()
            && let Some(slot) = state.idle.last()
        {
            beyond.push(state.take_idle(slot, Stage::Retiring));
        }
        beyond
    }

    /// Sends away all who wait, and answers the idle resources, to be closed. From now on nothing is handed
    /// out. Answers nothing more when it was closed before.
    pub(crate) fn close(&self) -> Vec<Lease<R>> {
        let mut state = self.state.lock();
        state.closed = true;
        let idle = state.take_all_idle();
        let waiters = state.queue.take(|_, _| true);
        self.note_crowd(&state);
        drop(state);
        self.refuse(waiters, &Refusal::Closed);
        idle
    }

    /// Says whether anybody waits who could be served. To be called under the lock by whoever has changed the
    /// queue, or ended a loan.
    #[inline]
    fn note_crowd(&self, state: &State<R>) {
        let is_crowded = state.queue.claims() > 0;
        // Ordering: Relaxed here and in `take`. Who reads too old a value waits where it need not, and is
        // served by `supply`; or takes the lock where it need not. Only the lock's owner writes.
        if self.is_crowded.load(Ordering::Relaxed) != is_crowded {
            self.is_crowded.store(is_crowded, Ordering::Relaxed);
        }
    }

    /// Lets nobody wait from now on (C10). Answers those who do, to be [refused](Self::refuse) once the caller
    /// holds no lock. What is idle can still be taken.
    pub(crate) fn trip(&self) -> Vec<Arc<Waiter<R>>> {
        let mut state = self.state.lock();
        state.tripped = true;
        let waiters = state.queue.take(|_, _| true);
        self.note_crowd(&state);
        waiters
    }

    /// Sends away those who were taken off the queue.
    pub(crate) fn refuse(&self, waiters: Vec<Arc<Waiter<R>>>, refusal: &Refusal) {
        for waiter in waiters {
            wake(waiter.refuse(refusal.clone()));
        }
    }

    /// Lets callers wait again.
    pub(crate) fn untrip(&self) {
        self.state.lock().tripped = false;
    }

    pub(crate) fn is_tripped(&self) -> bool {
        self.state.lock().tripped
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().counts()
    }

    /// The slots that are not empty, lowest first, with what `look` says about the idle resources.
    pub(crate) fn rows<I>(&self, look: impl Fn(&R) -> I) -> Vec<Row<I>> {
        self.state.lock().rows(look)
    }

    /// All that is known at one moment.
    pub(crate) fn snapshot<I>(&self, look: impl Fn(&R) -> I) -> Snapshot<I> {
        let state = self.state.lock();
        Snapshot {
            counts: state.counts(),
            tally: state.tally.clone(),
            rows: state.rows(look),
            standings: state.queue.standings(),
            closed: state.closed,
        }
    }

    /// How long those waited who were served, and how long resources were held.
    pub(crate) fn times(&self) -> (Times, Times) {
        let (mut wait, mut used) = (Histogram::default(), Histogram::default());
        for timings in &self.timings {
            timings.wait.add_to(&mut wait);
            timings.used.add_to(&mut used);
        }
        (wait.times(), used.times())
    }

    pub(crate) fn with_tally<T>(&self, change: impl FnOnce(&mut Tally) -> T) -> T {
        change(&mut self.state.lock().tally)
    }
}

impl<R> State<R> {
    fn rows<I>(&self, look: impl Fn(&R) -> I) -> Vec<Row<I>> {
        self.slots.iter().enumerate().filter_map(|(slot, at)| at.row(slot, &look)).collect()
    }

    fn counts(&self) -> Counts {
        Counts {
            max: self.limit,
            open: self.open(),
            idle: self.idle.len(),
            lent: self.lent,
            connecting: self.connecting,
            checking: self.supplying - self.connecting + self.inspecting,
            waiting: self.queue.len(),
        }
    }

    /// How many slots are not empty.
    fn open(&self) -> usize {
        self.slots.len() - self.empty.len()
    }

    /// Whether there are more resources than the limit, without those that are being closed.
    #[inline]
    fn is_beyond(&self) -> bool {
        self.open() - self.retiring > self.limit
    }

    /// Moves a slot to another stage and keeps the sets and counters in step (C2, C6).
    #[inline]
    fn put(&mut self, slot: usize, stage: Stage<R>) -> Stage<R> {
        self.count(slot, &stage, true);
        let before = std::mem::replace(&mut self.slots[slot].stage, stage);
        self.count(slot, &before, false);
        before
    }

    #[inline]
    fn count(&mut self, slot: usize, stage: &Stage<R>, enters: bool) {
        let step = |count: &mut usize| if enters { *count += 1 } else { *count -= 1 };
        let mark = |set: &mut Bits| if enters { set.insert(slot) } else { set.remove(slot) };
        match stage {
            Stage::Empty => mark(&mut self.empty),
            Stage::Idle(_) => mark(&mut self.idle),
            Stage::Lent => {
                step(&mut self.lent);
                if !enters {
                    self.end_loan(slot);
                }
            }
            Stage::Checking => step(&mut self.supplying),
            Stage::Inspecting => step(&mut self.inspecting),
            Stage::Connecting => {
                step(&mut self.connecting);
                step(&mut self.supplying);
            }
            Stage::Retiring => step(&mut self.retiring),
        }
    }

    /// Notes who has the resource of a slot that has just come to [`Stage::Lent`] (C8).
    // Always: as a call it moves who asks once more.
    #[inline(always)]
    fn note_loan(&mut self, slot: usize, since: Instant, caller: &Caller) {
        if let Some(tenant) = &caller.tenant {
            self.queue.lent(tenant, since);
        }
        self.slots[slot].hold = Some(Hold { since, caller: caller.clone() });
    }

    #[inline]
    fn end_loan(&mut self, slot: usize) {
        let hold = &mut self.slots[slot].hold;
        if let Some(tenant) = hold.as_mut().and_then(|hold| hold.caller.tenant.take()) {
            self.queue.ended(&tenant);
        }
        // In place: moving it out would cost more than all else here.
        *hold = None;
    }

    /// Takes the resource out of an idle slot, which goes to `stage`.
    #[inline]
    fn take_idle(&mut self, slot: usize, stage: Stage<R>) -> Lease<R> {
        match self.put(slot, stage) {
            Stage::Idle(resource) => Lease { slot, since: None, resource },
            _ => unreachable!("slot {slot} is in the idle set (C2)"),
        }
    }

    fn take_all_idle(&mut self) -> Vec<Lease<R>> {
        let mut leases = Vec::with_capacity(self.idle.len());
        while let Some(slot) = self.idle.first() {
            leases.push(self.take_idle(slot, Stage::Retiring));
        }
        leases
    }
}

/// Wakes a waiter. To be called without a lock.
#[inline]
fn wake(waker: Option<std::task::Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// What is asked for, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) since: Instant,
    pub(crate) priority: Priority,
    pub(crate) caller: Caller,
}

/// Who asks. Kept while it waits and while it holds.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) by: &'static Location<'static>,
    pub(crate) tenant: Option<Arc<Tenancy>>,
    /// What is told about it, and decides nothing here.
    pub(crate) marks: Marks,
}

impl Caller {
    pub(crate) fn tenant_name(&self) -> Option<&str> {
        self.tenant.as_deref().map(|tenancy| &*tenancy.name)
    }

    /// Counts that it got nothing.
    pub(crate) fn note_refused(&self) {
        if let Some(tenant) = &self.tenant {
            tenant.note_refused();
        }
        if let Some(account) = &self.marks.tag {
            account.refused();
        }
    }

    /// Counts that it stopped waiting.
    pub(crate) fn note_given_up(&self) {
        if let Some(tenant) = &self.tenant {
            tenant.note_given_up();
        }
        if let Some(account) = &self.marks.tag {
            account.gave_up();
        }
    }
}
