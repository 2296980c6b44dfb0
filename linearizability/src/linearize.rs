//! The linearizability check: is there an order of the calls, one that keeps every call inside
//! the time it took, in which a sequential object gives the same answers?
//!
//! This is Wing and Gong's search ("Testing and verifying concurrent objects", 1993) with
//! Lowe's memory of configurations ("Testing for linearizability", 2017): two orders of the
//! same calls that lead to the same state have the same future, so the second is not followed.

use std::collections::HashSet;
use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::ops::RangeInclusive;

use crate::history::{Call, History};
use crate::timeline;

/// A sequential object, and which answers it can give.
pub trait Spec {
    /// The object's whole state.
    type State: Clone + Eq + Hash + Debug;
    /// A call on it.
    type Op: Clone + Debug;
    /// A call's answer.
    type Ret: Clone + Debug;

    /// The state before the first call.
    fn initial() -> Self::State;

    /// The state after `op`, or `None` if `op` cannot answer `ret` in this state.
    fn step(state: &Self::State, op: &Self::Op, ret: &Self::Ret) -> Option<Self::State>;

    /// What a call that answered `ret` looks at and changes. The default is everything, with
    /// which [`crate::minimise`] shortens a history at its end only.
    fn footprint(_op: &Self::Op, _ret: &Self::Ret) -> Footprint {
        Footprint { depends_on: 0..=u32::MAX, changes: Some(0..=u32::MAX) }
    }
}

/// The parts of the state (for a map: its keys) that one answered call has to do with.
///
/// Whether `step` allows the call, and what it then writes, may follow from the parts in
/// `depends_on` only; it writes parts in `changes` only. Claiming too much is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The parts that decide whether the answer is possible.
    pub depends_on: RangeInclusive<u32>,
    /// The parts that the call may change; `None` if it is a read.
    pub changes: Option<RangeInclusive<u32>>,
}

/// A history of a spec's calls.
pub type SpecHistory<S> = History<<S as Spec>::Op, <S as Spec>::Ret>;

/// Why a history is not linearizable, for people to read.
#[derive(Clone)]
pub struct Violation {
    /// The response that no legal order gets past: the history up to this tick is already
    /// impossible, and up to any earlier tick it is possible.
    pub tick: u64,
    text: String,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Printed as its text, because this is what `unwrap` shows.
impl Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Looks for a legal order of the history's calls.
///
/// Calls that were still running when the history was cut may be left out of the order.
pub fn check<S: Spec>(history: &SpecHistory<S>) -> Result<(), Violation> {
    let mut search = Search::<S>::new(history.calls());
    if search.run() {
        return Ok(());
    }
    Err(search.violation(history))
}

/// The search's configuration: an order of some calls, the state it leads to, and the events
/// of the calls that are not in it yet.
struct Search<'h, S: Spec> {
    calls: &'h [Call<S::Op, S::Ret>],
    events: EventList,
    /// Calls that have returned and are not in the order yet.
    required: usize,
    /// The calls in the order, each with the state before it.
    order: Vec<(usize, S::State)>,
    ordered: CallSet,
    state: S::State,
    seen: HashSet<(CallSet, S::State)>,
    furthest: Option<Furthest<S::State>>,
}

/// The order that got past the most responses, kept for the report.
struct Furthest<State> {
    tick: u64,
    blocked: usize,
    order: Vec<usize>,
    state: State,
}

impl<'h, S: Spec> Search<'h, S> {
    fn new(calls: &'h [Call<S::Op, S::Ret>]) -> Self {
        Self {
            calls,
            events: EventList::new(calls),
            required: calls.iter().filter(|c| c.returned.is_some()).count(),
            order: Vec::with_capacity(calls.len()),
            ordered: CallSet::new(calls.len()),
            state: S::initial(),
            seen: HashSet::new(),
            furthest: None,
        }
    }

    /// True if a legal order exists.
    fn run(&mut self) -> bool {
        let mut at = self.events.first();
        // While a required call is left, its response is in the list, so `at` never runs off it.
        while self.required > 0 {
            at = match self.events.get(at) {
                Event::Invoked(call) if self.extend(call) => self.events.first(),
                Event::Invoked(_) => self.events.after(at),
                // `call` had returned before any call further on began, so it has to come before
                // those, and it fits nowhere after the present order: the order is wrong.
                Event::Returned(call) => {
                    self.note(call);
                    match self.retract() {
                        Some(last) => self.events.after(self.events.invocation(last)),
                        None => return false,
                    }
                }
            };
        }
        true
    }

    /// Puts `call` next in the order, if it is legal there and leads to a new configuration.
    fn extend(&mut self, call: usize) -> bool {
        let Call { op, ret, .. } = &self.calls[call];
        let Some(next) = S::step(&self.state, op, ret) else {
            return false;
        };
        self.ordered.insert(call);
        if !self.seen.insert((self.ordered.clone(), next.clone())) {
            self.ordered.remove(call);
            return false;
        }
        let before = std::mem::replace(&mut self.state, next);
        self.order.push((call, before));
        self.events.unlink(call);
        self.required -= usize::from(self.calls[call].returned.is_some());
        true
    }

    /// Takes the last call out of the order.
    fn retract(&mut self) -> Option<usize> {
        let (call, before) = self.order.pop()?;
        self.state = before;
        self.ordered.remove(call);
        self.events.relink(call);
        self.required += usize::from(self.calls[call].returned.is_some());
        Some(call)
    }

    /// Remembers the present order if none got as far: past more responses, or with more calls.
    fn note(&mut self, blocked: usize) {
        let tick = self.calls[blocked].returned.expect("only a call that returned blocks");
        let reached = (tick, self.order.len());
        let best = self.furthest.as_ref().map(|f| (f.tick, f.order.len()));
        if best < Some(reached) {
            self.furthest = Some(Furthest {
                tick,
                blocked,
                order: self.order.iter().map(|(call, _)| *call).collect(),
                state: self.state.clone(),
            });
        }
    }

    fn violation(self, history: &SpecHistory<S>) -> Violation {
        let furthest = self.furthest.expect("a search that fails was blocked at least once");
        let line = |&call: &usize| format!("  {}\n", timeline::describe(&self.calls[call]));
        let order: String = furthest.order.iter().map(line).collect();
        let text = format!(
            "no order of these {} calls is legal\n{}\
             no order gets past the answer of\n{}\
             the order that comes closest is\n{}  which leaves {:?}\n",
            self.calls.len(),
            timeline::render(history),
            line(&furthest.blocked),
            order,
            furthest.state,
        );
        Violation { tick: furthest.tick, text }
    }
}

/// A set of calls, small enough to be remembered by the thousand.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CallSet(Vec<u64>);

impl CallSet {
    fn new(calls: usize) -> Self {
        Self(vec![0; calls.div_ceil(64)])
    }

    fn insert(&mut self, call: usize) {
        self.0[call / 64] |= 1 << (call % 64);
    }

    fn remove(&mut self, call: usize) {
        self.0[call / 64] &= !(1 << (call % 64));
    }
}

/// The beginning or the end of a call (an index into the history's calls).
#[derive(Clone, Copy)]
enum Event {
    Invoked(usize),
    Returned(usize),
}

/// The events of the calls not yet in the order, by time: a doubly linked list, so that a call
/// leaves it and comes back in constant time. Place 0 is the head and holds no event.
struct EventList {
    events: Vec<Event>,
    next: Vec<usize>,
    prev: Vec<usize>,
    invocation: Vec<usize>,
    response: Vec<Option<usize>>,
}

impl EventList {
    fn new<Op, Ret>(calls: &[Call<Op, Ret>]) -> Self {
        let events = timeline::events(calls, Event::Invoked, Event::Returned);
        let places = events.len() + 1;
        let mut list = Self {
            events: events.into_iter().map(|(_, event)| event).collect(),
            next: (1..=places).map(|place| place % places).collect(),
            prev: (0..places).map(|place| (place + places - 1) % places).collect(),
            invocation: vec![0; calls.len()],
            response: vec![None; calls.len()],
        };
        for (i, event) in list.events.iter().enumerate() {
            match *event {
                Event::Invoked(call) => list.invocation[call] = i + 1,
                Event::Returned(call) => list.response[call] = Some(i + 1),
            }
        }
        list
    }

    fn first(&self) -> usize {
        self.next[0]
    }

    fn after(&self, place: usize) -> usize {
        self.next[place]
    }

    fn get(&self, place: usize) -> Event {
        self.events[place - 1]
    }

    fn invocation(&self, call: usize) -> usize {
        self.invocation[call]
    }

    /// Takes both events of a call out of the list; their own links stay, for `relink`.
    fn unlink(&mut self, call: usize) {
        for place in [Some(self.invocation[call]), self.response[call]] {
            let Some(place) = place else { continue };
            let (before, after) = (self.prev[place], self.next[place]);
            self.next[before] = after;
            self.prev[after] = before;
        }
    }

    /// Undoes the latest `unlink` that is not undone yet, which has to be of this call: only
    /// then do the links kept in its events still name its neighbours.
    fn relink(&mut self, call: usize) {
        for place in [self.response[call], Some(self.invocation[call])] {
            let Some(place) = place else { continue };
            let (before, after) = (self.prev[place], self.next[place]);
            self.next[before] = place;
            self.prev[after] = place;
        }
    }
}
