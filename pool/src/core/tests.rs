//! The core alone: no runtime, no clock.

mod tenants;

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{AfterFailure, Caller, Core, GivenBack, Job, Lease, Place, Refusal, Request, Take};
use crate::ask::{Ageing, Priority};
use crate::error::Cause;
use crate::gate::Marks;
use crate::reason::Reason;

fn request(priority: Priority) -> Request {
    request_at(Instant::now(), priority)
}

fn request_at(since: Instant, priority: Priority) -> Request {
    let caller = Caller { by: Location::caller(), tenant: None, marks: Marks::default() };
    Request { since, priority, caller }
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(1_000)
}

fn take(core: &Core<u32>) -> Option<Lease<u32>> {
    match core.take(&request(Priority::Normal), |_| true) {
        Take::Lease(lease) => Some(lease),
        _ => None,
    }
}

fn join(core: &Core<u32>, priority: Priority) -> Place<u32> {
    core.join(request(priority), far_away()).expect("open")
}

fn served(place: &Place<u32>) -> Option<Result<u32, Refusal>> {
    match place.waiter.poll(&Context::from_waker(Waker::noop())) {
        Poll::Ready(served) => Some(served.map(|lease| lease.resource)),
        Poll::Pending => None,
    }
}

fn give_back(core: &Core<u32>, lease: Lease<u32>) -> Option<Reason> {
    match core.give_back(lease, Instant::now()) {
        GivenBack::Kept => None,
        GivenBack::Retire(lease, reason) => {
            core.vacate(lease.slot);
            Some(reason)
        }
    }
}

fn connects(core: &Core<u32>) -> Vec<usize> {
    std::iter::from_fn(|| core.supply(Instant::now(), |_| true))
        .map(|job| match job {
            Job::Connect(slot) => slot,
            Job::Check(_) => panic!("everything is fresh here"),
        })
        .collect()
}

/// A core with one resource in each slot, the slot's number, idle.
fn full(max: usize) -> Core<u32> {
    let core = Core::new(max, None);
    for number in 0..u32::try_from(max).unwrap() {
        let slot = core.reserve_below(max).unwrap();
        assert!(matches!(core.fill(slot, number, Instant::now()), GivenBack::Kept));
    }
    core
}

#[test]
fn never_more_slots_are_reserved_than_there_are() {
    let core = Core::<u32>::new(3, None);
    let places: Vec<_> = (0..10).map(|_| join(&core, Priority::Normal)).collect();
    assert_eq!(connects(&core), [0, 1, 2]);
    assert_eq!((core.counts().open, core.counts().waiting), (3, 10));
    assert_eq!(core.reserve_below(3), None);
    drop(places);
}

#[test]
fn as_many_are_made_as_wait_for_one() {
    let core = Core::<u32>::new(10, None);
    let _places = [join(&core, Priority::Normal), join(&core, Priority::Normal)];
    assert_eq!(connects(&core), [0, 1]);
    assert!(connects(&core).is_empty());
}

#[test]
fn the_lowest_is_taken_first() {
    let core = full(3);
    let (first, second) = (take(&core).unwrap(), take(&core).unwrap());
    assert_eq!((first.resource, second.resource), (0, 1));
    give_back(&core, first);
    assert_eq!(take(&core).unwrap().resource, 0);
}

#[test]
fn the_first_in_priority_and_arrival_is_served_and_no_newcomer_overtakes() {
    let core = full(1);
    take(&core).unwrap();
    let (low, second, third, high) = (
        join(&core, Priority::Low),
        join(&core, Priority::Normal),
        join(&core, Priority::Normal),
        join(&core, Priority::High),
    );
    for (turn, place) in [high, second, third, low].iter().enumerate() {
        assert!(served(place).is_none());
        assert_eq!(give_back(&core, Lease { slot: 0, since: None, resource: 0 }), None);
        assert!(take(&core).is_none(), "a newcomer has overtaken");
        assert_eq!(served(place).unwrap().unwrap(), 0, "turn {turn}");
    }
}

/// Who comes every second is served every other second: without the bound, the low one is served last.
#[test]
fn nobody_who_comes_later_than_the_allowance_goes_first() {
    let ageing = Ageing { normal: Duration::from_secs(3), low: Duration::from_secs(10) };
    let begun = Instant::now();
    let overtaken = |first: Priority, others: Priority, ageing: Option<Ageing>| {
        let core = Core::new(1, ageing);
        let slot = core.reserve_below(1).unwrap();
        core.fill(slot, 0, begun);
        take(&core).unwrap();
        let come = |second, priority| {
            let request = request_at(begun + Duration::from_secs(second), priority);
            core.join(request, far_away()).expect("open")
        };
        let place = come(0, first);
        let others: Vec<_> = (1..=30).map(|second| come(second, others)).collect();
        let turn = (0..).find(|_| {
            give_back(&core, Lease { slot: 0, since: None, resource: 0 });
            served(&place).is_some()
        });
        let before = others.iter().filter(|place| served(place).is_some()).count();
        assert_eq!(turn, Some(before), "as many turns as others were served");
        before
    };
    // Who comes at the very second has the same time, and a higher priority.
    assert_eq!(overtaken(Priority::Low, Priority::High, Some(ageing)), 10);
    assert_eq!(overtaken(Priority::Normal, Priority::High, Some(ageing)), 3);
    assert_eq!(overtaken(Priority::Low, Priority::Normal, Some(ageing)), 7);
    assert_eq!(overtaken(Priority::Normal, Priority::Low, Some(ageing)), 0);
    assert_eq!(overtaken(Priority::Low, Priority::High, None), 30);
}

#[test]
fn who_leaves_passes_on_what_it_was_given() {
    let core = full(1);
    let held = take(&core).unwrap();
    let (first, second) = (join(&core, Priority::Normal), join(&core, Priority::Normal));
    give_back(&core, held);
    let unclaimed = core.leave(first.turn, &first.waiter).expect("it was handed over");
    assert!(matches!(core.pass_on(unclaimed, Instant::now()), GivenBack::Kept));
    assert_eq!(served(&second).unwrap().unwrap(), 0);
}

#[test]
fn who_leaves_before_its_turn_is_skipped() {
    let core = full(1);
    let held = take(&core).unwrap();
    let (first, second) = (join(&core, Priority::Normal), join(&core, Priority::Normal));
    assert!(core.leave(first.turn, &first.waiter).is_none());
    assert_eq!(core.counts().waiting, 1);
    give_back(&core, held);
    assert_eq!(served(&second).unwrap().unwrap(), 0);
}

#[test]
fn a_stale_one_is_checked_for_whoever_is_first_then() {
    let core = full(1);
    assert!(matches!(core.take(&request(Priority::Normal), |_| false), Take::Wait));
    let place = join(&core, Priority::Normal);
    let Some(Job::Check(lease)) = core.supply(Instant::now(), |_| false) else {
        panic!("no check")
    };
    assert!(core.supply(Instant::now(), |_| false).is_none(), "one check for one who waits");
    assert!(matches!(core.pass_on(lease, Instant::now()), GivenBack::Kept));
    assert_eq!(served(&place).unwrap().unwrap(), 0);
}

#[test]
fn a_newcomer_does_not_take_what_is_idle_while_another_waits_for_a_check() {
    let core = full(2);
    let place = join(&core, Priority::Normal);
    let Some(Job::Check(lease)) = core.supply(Instant::now(), |_| false) else {
        panic!("no check")
    };
    assert!(take(&core).is_none(), "a newcomer has overtaken");
    core.pass_on(lease, Instant::now());
    assert_eq!(served(&place).unwrap().unwrap(), 0);
    assert_eq!(take(&core).unwrap().resource, 1);
}

#[test]
fn who_waits_need_not_wait_for_one_being_made_while_another_is_idle() {
    let core = Core::<u32>::new(3, None);
    let idle = core.reserve_below(3).unwrap();
    core.fill(idle, 1, Instant::now());
    core.reserve_below(3).unwrap();
    let _place = join(&core, Priority::Normal);
    assert!(matches!(core.supply(Instant::now(), |_| false), Some(Job::Check(_))));
    assert!(core.supply(Instant::now(), |_| false).is_none());
}

#[test]
fn a_reset_closes_the_idle_at_once_and_the_borrowed_when_they_come_back() {
    let core = full(3);
    let held = take(&core).unwrap();
    let idle = core.next_generation(Reason::Reset);
    assert_eq!(idle.iter().map(|lease| lease.resource).collect::<Vec<_>>(), [1, 2]);
    idle.into_iter().for_each(|lease| core.vacate(lease.slot));
    let slot = core.reserve_below(3).unwrap();
    core.fill(slot, 7, Instant::now());
    assert_eq!(give_back(&core, held), Some(Reason::Reset));
    assert_eq!((core.counts().open, take(&core).unwrap().resource), (1, 7));
}

#[test]
fn what_was_begun_before_a_reset_is_closed_when_it_is_made() {
    let core = Core::<u32>::new(1, None);
    let slot = core.reserve_below(1).unwrap();
    core.next_generation(Reason::ExpiredNow);
    assert!(matches!(core.fill(slot, 1, Instant::now()), GivenBack::Retire(_, Reason::ExpiredNow)));
}

#[test]
fn a_close_sends_all_away_and_keeps_nothing() {
    let core = full(2);
    let held = [take(&core).unwrap(), take(&core).unwrap()];
    let place = join(&core, Priority::Normal);
    assert!(core.close().is_empty());
    assert!(matches!(served(&place), Some(Err(Refusal::Closed))));
    assert!(core.join(request(Priority::Normal), far_away()).is_err());
    assert!(matches!(core.take(&request(Priority::Normal), |_| true), Take::Closed));
    for lease in held {
        assert_eq!(give_back(&core, lease), Some(Reason::Shutdown));
    }
    assert_eq!((core.counts().open, core.reserve_below(2)), (0, None));
}

#[test]
fn nobody_waits_while_it_is_tripped_and_what_is_idle_can_be_taken() {
    let core = full(2);
    let (first, second) = (take(&core).unwrap(), take(&core).unwrap());
    let place = join(&core, Priority::Normal);
    core.refuse(core.trip(), &Refusal::Tripped);
    assert!(matches!(served(&place), Some(Err(Refusal::Tripped))));
    assert!(matches!(core.join(request(Priority::High), far_away()), Err((Refusal::Tripped, _))));
    assert_eq!(give_back(&core, first), None);
    assert!(take(&core).is_some());
    core.untrip();
    let place = join(&core, Priority::Normal);
    give_back(&core, second);
    assert_eq!(served(&place).unwrap().unwrap(), 1);
}

#[test]
fn while_connecting_fails_one_slot_probes_and_only_those_who_saw_it_are_refused() {
    let core = Core::<u32>::new(3, None);
    let cause: Cause = Arc::new(std::io::Error::other("down"));
    let early = [join(&core, Priority::Normal), join(&core, Priority::Normal)];
    assert_eq!(connects(&core), [0, 1]);
    let before = core.next_ticket();
    let late = join(&core, Priority::Normal);
    assert_eq!(connects(&core), [2]);
    assert_eq!(core.connect_failed(1, before, &cause), AfterFailure::Probe);
    assert_eq!(core.connect_failed(0, before, &cause), AfterFailure::Stop);
    assert_eq!(core.connect_failed(2, before, &cause), AfterFailure::Stop);
    for place in &early {
        assert!(matches!(served(place), Some(Err(Refusal::Connect(_)))));
    }
    assert!(served(&late).is_none(), "its own attempt has not failed yet");
    assert!(connects(&core).is_empty(), "one probe at a time");
    core.fill(1, 5, Instant::now());
    assert_eq!(served(&late).unwrap().unwrap(), 5);
    let _more = [join(&core, Priority::Normal), join(&core, Priority::Normal)];
    assert_eq!(connects(&core), [0, 2]);
}

#[test]
fn what_is_lent_beyond_a_lower_limit_is_closed_when_it_comes_back() {
    let core = full(4);
    let [first, second, third] = [(); 3].map(|()| take(&core).unwrap());
    let place = join(&core, Priority::Normal);
    assert!(core.supply(Instant::now(), |_| true).is_none());
    let idle = core.set_limit(2);
    assert!(idle.is_empty() && served(&place).is_some(), "the fourth was lent as well");
    assert_eq!(give_back(&core, first), Some(Reason::Surplus));
    assert_eq!((give_back(&core, second), core.counts().open), (Some(Reason::Surplus), 2));
    assert_eq!(give_back(&core, third), None);
    let beyond = core.set_limit(1);
    assert_eq!(beyond.iter().map(|lease| lease.slot).collect::<Vec<_>>(), [2], "it was idle");
    beyond.into_iter().for_each(|lease| core.vacate(lease.slot));
    let _waits = join(&core, Priority::Normal);
    assert!(connects(&core).is_empty(), "one is open, and lent");
    core.set_limit(3);
    assert_eq!(connects(&core), [0], "one for one who waits");
}

#[test]
fn nobody_is_refused_while_a_borrowed_one_may_come_back() {
    let core = Core::<u32>::new(2, None);
    let slot = core.reserve_below(2).unwrap();
    core.fill(slot, 1, Instant::now());
    let held = take(&core).unwrap();
    let place = join(&core, Priority::Normal);
    assert_eq!(connects(&core), [1]);
    let cause: Cause = Arc::new(std::io::Error::other("down"));
    core.connect_failed(1, core.next_ticket(), &cause);
    assert!(served(&place).is_none());
    give_back(&core, held);
    assert_eq!(served(&place).unwrap().unwrap(), 1);
}

#[test]
fn those_who_are_late_are_sent_away_and_the_next_deadline_is_told() {
    let core = full(1);
    let held = take(&core).unwrap();
    let now = Instant::now();
    let after = |seconds| now + Duration::from_secs(seconds);
    let waits = |seconds| core.join(request(Priority::Normal), after(seconds)).expect("open");
    let (long, short, longest) = (waits(20), waits(10), waits(30));
    assert_eq!(
        [long.is_first_to_go, short.is_first_to_go, longest.is_first_to_go],
        [true, true, false]
    );
    assert_eq!(core.send_late_away(after(9)), Some(after(10)));
    assert_eq!(core.counts().waiting, 3);
    assert_eq!(core.send_late_away(after(10)), Some(after(20)));
    assert!(matches!(served(&short), Some(Err(Refusal::Late))));
    give_back(&core, held);
    assert_eq!(served(&long).unwrap().unwrap(), 0);
    assert_eq!(core.send_late_away(after(30)), None);
    assert!(matches!(served(&longest), Some(Err(Refusal::Late))));
    assert!(waits(40).is_first_to_go, "nobody waited any more");
}

/// What tells newcomers of a crowd, without the lock, is told when it is gone.
#[test]
fn a_newcomer_takes_what_is_idle_when_those_who_waited_are_gone() {
    let core = full(1);
    let place = join(&core, Priority::Normal);
    assert!(take(&core).is_none(), "a newcomer has overtaken");
    assert!(core.leave(place.turn, &place.waiter).is_none());
    let lease = take(&core).expect("nobody waits any more: the last has left");
    give_back(&core, lease);
    let _late = core.join(request(Priority::Normal), Instant::now()).expect("open");
    assert!(take(&core).is_none(), "a newcomer has overtaken");
    core.send_late_away(far_away());
    assert!(take(&core).is_some(), "nobody waits any more: the last was late");
}

/// Whoever joins is the only one to do what there is to do for it.
#[test]
fn one_who_joins_is_told_whether_there_is_something_to_supply() {
    let core = Core::<u32>::new(2, None);
    assert!(join(&core, Priority::Normal).is_to_supply, "there is an empty slot");
    assert_eq!(connects(&core), [0]);
    assert!(join(&core, Priority::Normal).is_to_supply, "there is another one");
    assert_eq!(connects(&core), [1]);
    assert!(!join(&core, Priority::Normal).is_to_supply, "all slots are taken");
    let core = full(1);
    assert!(join(&core, Priority::Normal).is_to_supply, "one is idle");
}

/// Garbage of all maps of the process is freed when some session begins or ends. It may be a guard of this
/// pool that somebody kept in a map of his own.
#[test]
fn what_a_map_frees_meanwhile_may_want_the_lock() {
    struct Nosy(Arc<Core<u32>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            assert_eq!(self.0.counts().max, 1);
        }
    }

    let (done, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let core = Arc::new(full(1));
        let kept = concurrent_ordered_map::ConcurrentOrderedMap::new();
        for _ in 0..2_000 {
            kept.set((), Nosy(Arc::clone(&core)));
            let lease = take(&core).unwrap();
            let (first, second) = (join(&core, Priority::Normal), join(&core, Priority::Normal));
            assert!(core.leave(second.turn, &second.waiter).is_none());
            assert_eq!(give_back(&core, lease), None);
            let lease = core.leave(first.turn, &first.waiter).expect("it was handed over");
            assert_eq!(give_back(&core, lease), None);
        }
        done.send(()).unwrap();
    });
    end.recv_timeout(Duration::from_secs(60)).expect("a step waits for its own lock");
}
