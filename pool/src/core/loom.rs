//! The hand-off under loom: every interleaving of two threads at the core.
//!
//! Run by `ci/pool-loom.sh`, which also plants faults to see them caught.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{Caller, Core, GivenBack, Job, Lease, Place, Refusal, Request, Take, Tenancy};
use crate::ask::Priority;
use crate::gate::Marks;
use crate::reason::Reason;
use crate::tenants::TenantLimits;

/// How long they wait who wait.
const LIMIT: Duration = Duration::from_secs(1_000);

fn request() -> Request {
    let caller = Caller { by: Location::caller(), tenant: None, marks: Marks::default() };
    Request { since: Instant::now(), priority: Priority::Normal, caller }
}

/// A core of one slot, whose resource is lent.
fn lent() -> (Arc<Core<u32>>, Lease<u32>) {
    let core = Core::new(1, None);
    let slot = core.reserve_below(1).unwrap();
    assert!(matches!(core.fill(slot, 7, Instant::now()), GivenBack::Kept));
    let Take::Lease(lease) = core.take(&request(), |_| true) else { panic!("it is idle") };
    (Arc::new(core), lease)
}

fn join(core: &Core<u32>) -> Place<u32> {
    core.join(request(), Instant::now() + LIMIT).unwrap()
}

fn is_served(place: &Place<u32>) -> bool {
    matches!(place.waiter.poll(&Context::from_waker(Waker::noop())), Poll::Ready(Ok(_)))
}

fn leave(core: &Core<u32>, place: &Place<u32>) {
    if let Some(lease) = core.leave(place.turn, &place.waiter) {
        assert!(matches!(core.pass_on(lease, Instant::now()), GivenBack::Kept));
    }
}

#[test]
fn what_is_given_back_while_the_waiter_leaves_is_idle() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let place = join(&core);
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        leave(&core, &place);
        giver.join().unwrap();
        let counts = core.counts();
        assert_eq!((counts.idle, counts.lent, counts.waiting), (1, 0, 0));
    });
}

#[test]
fn the_next_is_served_when_the_first_leaves() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let (first, second) = (join(&core), join(&core));
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        leave(&core, &first);
        giver.join().unwrap();
        assert!(is_served(&second));
    });
}

#[test]
fn one_who_comes_while_it_is_given_back_is_served() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        let taken = matches!(core.take(&request(), |_| true), Take::Lease(_));
        let place = (!taken).then(|| join(&core));
        // As a caller does: it looks for something to do only if it is told that there is.
        if place.as_ref().is_some_and(|place| place.is_to_supply) {
            assert!(core.supply(Instant::now(), |_| true).is_none());
        }
        giver.join().unwrap();
        assert!(place.is_none_or(|place| is_served(&place)), "it waits, and nobody knows");
    });
}

#[test]
fn a_reset_leaves_no_old_one_idle() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        drop(core.next_generation(Reason::Reset));
        giver.join().unwrap();
        assert_eq!(core.counts().idle, 0);
    });
}

#[test]
fn one_who_is_late_while_it_is_given_back_gets_it_or_leaves_it() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let place = join(&core);
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        core.send_late_away(Instant::now() + 2 * LIMIT);
        giver.join().unwrap();
        let idle = core.counts().idle;
        match place.waiter.poll(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(_)) => assert_eq!(idle, 0),
            Poll::Ready(Err(Refusal::Late)) => assert_eq!(idle, 1),
            _ => panic!("it was neither served nor sent away"),
        }
    });
}

#[test]
fn two_who_reserve_get_no_more_than_the_limit() {
    ::loom::model(|| {
        let core = Arc::new(Core::<u32>::new(2, None));
        let other = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || core.reserve_below(1)
        });
        let own = core.reserve_below(1);
        let reserved = [own, other.join().unwrap()];
        assert_eq!(reserved.iter().flatten().count(), 1, "{reserved:?}");
        assert_eq!(core.counts().open, 1);
    });
}

#[test]
fn a_newcomer_who_was_told_of_a_crowd_that_is_gone_is_served() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let first = join(&core);
        let leaver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || leave(&core, &first)
        });
        assert!(matches!(core.give_back(lease, Instant::now()), GivenBack::Kept));
        let taken = matches!(core.take(&request(), |_| true), Take::Lease(_));
        let place = (!taken).then(|| join(&core));
        if place.as_ref().is_some_and(|place| place.is_to_supply) {
            assert!(core.supply(Instant::now(), |_| true).is_none());
        }
        leaver.join().unwrap();
        assert!(place.is_none_or(|place| is_served(&place)), "it waits, and nobody knows");
    });
}

/// Where resources are prepared for each loan, whoever gives one back hands it to nobody (C11). So it and the
/// one who comes meanwhile have to see to it together that a task prepares it, and one task only.
#[test]
fn what_is_given_back_unprepared_is_prepared_once_for_one_who_comes() {
    ::loom::model(|| {
        let core = Arc::new(Core::new(1, None).preparing(true));
        let slot = core.reserve_below(1).unwrap();
        assert!(matches!(core.fill(slot, 7, Instant::now()), GivenBack::Kept));
        let Take::Lease(lease) = core.take(&request(), |_| true) else { panic!("it is idle") };
        let supply = |core: &Core<u32>| core.supply(Instant::now(), |_| false);
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || {
                assert!(matches!(core.give_back(lease, Instant::now()), GivenBack::Kept));
                supply(&core)
            }
        });
        let place = join(&core);
        let own = place.is_to_supply.then(|| supply(&core)).flatten();
        let mut jobs = [own, giver.join().unwrap()].into_iter().flatten();
        let Some(Job::Check(lease)) = jobs.next() else { panic!("it waits, and nobody knows") };
        assert!(jobs.next().is_none(), "it was prepared twice");
        assert!(!is_served(&place), "it was handed over unprepared");
        assert!(matches!(core.pass_on(lease, Instant::now()), GivenBack::Kept));
        assert!(is_served(&place));
    });
}

/// What is looked at in the background goes to one who comes meanwhile, or is idle.
#[test]
fn one_who_comes_during_an_inspection_is_served_when_it_ends() {
    ::loom::model(|| {
        let (core, lease) = lent();
        assert!(matches!(core.give_back(lease, Instant::now()), GivenBack::Kept));
        let lease = core.inspect_idle(0, 0, |_| true).unwrap();
        let inspector = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.inspected(lease, Instant::now()))
        });
        let place = join(&core);
        if place.is_to_supply {
            assert!(core.supply(Instant::now(), |_| true).is_none());
        }
        inspector.join().unwrap();
        assert!(is_served(&place), "it waits, and nobody knows");
    });
}

#[test]
fn nobody_waits_for_a_closed_pool() {
    ::loom::model(|| {
        let (core, _lease) = lent();
        let closer = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.close())
        });
        let place = core.join(request(), Instant::now() + LIMIT);
        closer.join().unwrap();
        if let Ok(place) = place {
            let polled = place.waiter.poll(&Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Ready(Err(Refusal::Closed))), "it waits for ever");
        }
        assert_eq!(core.counts().waiting, 0);
    });
}

#[test]
fn nobody_waits_for_a_circuit_that_opens() {
    ::loom::model(|| {
        let (core, _lease) = lent();
        let breaker = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || core.refuse(core.trip(), &Refusal::Tripped)
        });
        let place = core.join(request(), Instant::now() + LIMIT);
        breaker.join().unwrap();
        if let Ok(place) = place {
            let polled = place.waiter.poll(&Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Ready(Err(Refusal::Tripped))), "it waits");
        }
        assert_eq!(core.counts().waiting, 0);
    });
}

/// The second may have it, and give it back, before the first has returned from the call that gave it back.
#[test]
fn what_two_record_in_turn_is_counted_in_full() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let since = lease.since.unwrap();
        let after = move |seconds| since + Duration::from_secs(seconds);
        let place = join(&core);
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, after(1)))
        });
        let polled = core.poll(&place.waiter, &Context::from_waker(Waker::noop()));
        let expected = match polled {
            Poll::Ready(Ok(lease)) => {
                assert!(matches!(core.give_back(lease, after(3)), GivenBack::Kept));
                3
            }
            _ => 1,
        };
        giver.join().unwrap();
        let (_, used) = core.times();
        assert_eq!(used.total_ns, expected * 1_000_000_000);
    });
}

/// A tenant that may have one, of two slots: it has the first, and the second is idle.
fn tenant_with_its_maximum() -> (Arc<Core<u32>>, Arc<Tenancy>, Lease<u32>) {
    let core = Core::new(2, None);
    for _ in 0..2 {
        let slot = core.reserve_below(2).unwrap();
        assert!(matches!(core.fill(slot, 7, Instant::now()), GivenBack::Kept));
    }
    let account = core.open_account(TenantLimits::new().max(1), Instant::now());
    let tenant = Arc::new(Tenancy::new("acme".into(), account));
    let Take::Lease(lease) = core.take(&of(&tenant), |_| true) else { panic!("it is idle") };
    (Arc::new(core), tenant, lease)
}

fn of(tenant: &Arc<Tenancy>) -> Request {
    let mut request = request();
    request.caller.tenant = Some(Arc::clone(tenant));
    request
}

/// As a caller does: it looks for something to do only if it is told that there is.
fn ask(core: &Core<u32>, tenant: &Arc<Tenancy>) -> Option<Place<u32>> {
    if matches!(core.take(&of(tenant), |_| true), Take::Lease(_)) {
        return None;
    }
    let place = core.join(of(tenant), Instant::now() + LIMIT).unwrap();
    if place.is_to_supply {
        assert!(core.supply(Instant::now(), |_| true).is_none());
    }
    Some(place)
}

#[test]
fn who_waits_for_its_own_tenant_is_served_when_that_gives_back() {
    ::loom::model(|| {
        let (core, tenant, lease) = tenant_with_its_maximum();
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        let place = ask(&core, &tenant);
        giver.join().unwrap();
        assert!(place.is_none_or(|place| is_served(&place)), "it waits, and nobody knows");
        assert_eq!((core.counts().lent, core.counts().idle), (1, 1));
    });
}

#[test]
fn who_waits_for_its_own_tenant_is_served_when_that_closes_what_it_has() {
    ::loom::model(|| {
        let (core, tenant, lease) = tenant_with_its_maximum();
        let closer = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || {
                core.retire(lease.slot, Instant::now());
                assert!(core.supply(Instant::now(), |_| true).is_none());
            }
        });
        let place = ask(&core, &tenant);
        closer.join().unwrap();
        assert!(place.is_none_or(|place| is_served(&place)), "it waits, and nobody knows");
    });
}

#[test]
fn who_waits_for_its_own_tenant_is_served_when_one_of_it_leaves_with_what_it_got() {
    ::loom::model(|| {
        let (core, tenant, lease) = tenant_with_its_maximum();
        let (first, second) = (ask(&core, &tenant).unwrap(), ask(&core, &tenant).unwrap());
        let giver = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.give_back(lease, Instant::now()))
        });
        leave(&core, &first);
        giver.join().unwrap();
        assert!(is_served(&second));
    });
}

#[test]
fn a_tenant_that_is_asked_for_is_not_forgotten_or_it_is_told() {
    ::loom::model(|| {
        let (core, tenant, lease) = tenant_with_its_maximum();
        assert!(matches!(core.give_back(lease, Instant::now()), GivenBack::Kept));
        let forgetter = ::loom::thread::spawn({
            let (core, tenant) = (Arc::clone(&core), Arc::clone(&tenant));
            move || core.forget(&tenant, Instant::now() + LIMIT)
        });
        let taken = core.take(&of(&tenant), |_| true);
        let is_forgotten = forgetter.join().unwrap();
        match taken {
            Take::Lease(_) => assert!(!is_forgotten, "forgotten, and has one"),
            Take::Forgotten => assert!(is_forgotten),
            _ => panic!("one is idle"),
        }
    });
}
