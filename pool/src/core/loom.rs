//! The hand-off under loom: every interleaving of two threads at the core.
//!
//! Run by `ci/pool-loom.sh`, which also plants faults to see them caught.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use super::{Core, GivenBack, Lease, Refusal, Request, Take, Turn, Waiter};
use crate::reason::Reason;

fn request() -> Request {
    Request { since: Instant::now(), by: Location::caller(), priority: 1 }
}

/// A core of one slot, whose resource is lent.
fn lent() -> (Arc<Core<u32>>, Lease<u32>) {
    let core = Core::new(1);
    let slot = core.reserve_below(1).unwrap();
    assert!(matches!(core.fill(slot, 7, Instant::now()), GivenBack::Kept));
    let Take::Lease(lease) = core.take(request(), |_| true) else { panic!("it is idle") };
    (Arc::new(core), lease)
}

fn is_served((_, waiter): &(Turn, Arc<Waiter<u32>>)) -> bool {
    matches!(waiter.poll(&Context::from_waker(Waker::noop())), Poll::Ready(Ok(_)))
}

fn leave(core: &Core<u32>, (turn, waiter): &(Turn, Arc<Waiter<u32>>)) {
    if let Some(lease) = core.leave(*turn, waiter) {
        assert!(matches!(core.pass_on(lease, Instant::now()), GivenBack::Kept));
    }
}

#[test]
fn what_is_given_back_while_the_waiter_leaves_is_idle() {
    ::loom::model(|| {
        let (core, lease) = lent();
        let place = core.join(request()).unwrap();
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
        let (first, second) = (core.join(request()).unwrap(), core.join(request()).unwrap());
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
        let taken = matches!(core.take(request(), |_| true), Take::Lease(_));
        let place = (!taken).then(|| core.join(request()).unwrap());
        assert!(core.supply(Instant::now(), |_| true).is_none());
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
fn two_who_reserve_get_no_more_than_the_limit() {
    ::loom::model(|| {
        let core = Arc::new(Core::<u32>::new(2));
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
fn nobody_waits_for_a_closed_pool() {
    ::loom::model(|| {
        let (core, _lease) = lent();
        let closer = ::loom::thread::spawn({
            let core = Arc::clone(&core);
            move || drop(core.close())
        });
        let place = core.join(request());
        closer.join().unwrap();
        if let Ok((_, waiter)) = place {
            let polled = waiter.poll(&Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Ready(Err(Refusal::Closed))), "it waits for ever");
        }
        assert_eq!(core.counts().waiting, 0);
    });
}
