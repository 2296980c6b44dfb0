//! Callers that race for the value, under loom, which fails a model in which one waits for ever. Two callers in
//! every interleaving; three in those of up to three preemptions, as all take hours.
//!
//! Run by `ci/pool-loom.sh`, which also plants faults to see them caught.

use std::cell::Cell;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Waker};

use ::loom::future::block_on;
use ::loom::thread;

use super::{Once, Stage};

/// The place of a number: that of the attempt which has built it, or failed.
struct Scene {
    place: Once<usize, usize>,
    /// How many attempts have begun. The usual atomic, as it is to order nothing.
    attempts: AtomicUsize,
}

/// What one who came got, and whether it waited for it.
type Got = (Result<usize, usize>, bool);

impl Scene {
    fn new(serves: fn(&usize) -> bool) -> Arc<Self> {
        Arc::new(Self { place: Once::new(serves), attempts: AtomicUsize::new(0) })
    }

    fn begin(&self) -> usize {
        self.attempts.fetch_add(1, Relaxed) + 1
    }

    /// Comes for the number. The first `failing` attempts fail.
    fn come(&self, failing: usize) -> Got {
        let polls = Cell::new(0);
        let mut coming = pin!(self.place.get_or_init(|| {
            let number = self.begin();
            ready(if number <= failing { Err(number) } else { Ok(number) })
        }));
        let got = block_on(poll_fn(|context| {
            polls.set(polls.get() + 1);
            coming.as_mut().poll(context)
        }));
        (got, polls.get() > 1)
    }

    /// Comes, and gives up unless the number is there, be it that this one was to build it or to wait.
    fn give_up(&self) {
        let coming = pin!(self.place.get_or_init(|| {
            self.begin();
            pending()
        }));
        let _ = coming.poll(&mut Context::from_waker(Waker::noop()));
    }

    /// Runs these beside each other; the last of them in the model's own thread.
    fn race<T, F>(self: &Arc<Self>, callers: &[F]) -> Vec<T>
    where
        T: 'static,
        F: Fn(&Self) -> T + Copy + 'static,
    {
        let (last, others) = callers.split_last().unwrap();
        let threads: Vec<_> = others
            .iter()
            .map(|caller| {
                let (scene, caller) = (Arc::clone(self), *caller);
                thread::spawn(move || caller(&scene))
            })
            .collect();
        let own = last(self);
        let mut got: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        got.push(own);
        let state = self.place.state.lock();
        assert!(!matches!(state.stage, Stage::Building), "nobody builds, and who comes would wait");
        assert!(state.waiting.is_empty(), "somebody has left a ticket behind");
        got
    }
}

fn model_of_three(scene: impl Fn() + Send + Sync + 'static) {
    let mut model = ::loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(scene);
}

#[test]
fn one_of_three_builds() {
    model_of_three(|| {
        let scene = Scene::new(|_| true);
        let got = scene.race(&[|scene: &Scene| scene.come(0); 3]);
        assert!(got.iter().all(|(got, _)| *got == Ok(1)), "{got:?}");
        assert_eq!((scene.attempts.load(Relaxed), scene.place.get()), (1, Some(1)));
    });
}

#[test]
fn who_waited_for_an_attempt_that_failed_is_told_and_who_comes_later_tries_again() {
    ::loom::model(|| {
        let scene = Scene::new(|_| true);
        let got = scene.race(&[|scene: &Scene| scene.come(1); 2]);
        let failures = got.iter().filter(|(got, _)| *got == Err(1)).count();
        match scene.attempts.load(Relaxed) {
            1 => assert_eq!(failures, 2, "{got:?}"),
            2 => assert_eq!((failures, scene.place.get()), (1, Some(2)), "{got:?}"),
            more => panic!("{more} attempts: {got:?}"),
        }
        assert!(got.iter().all(|(got, waited)| !waited || *got == Err(1)), "{got:?}");
        assert_eq!(scene.come(1), (Ok(2), false));
    });
}

#[test]
fn when_one_gives_up_one_of_the_others_builds() {
    model_of_three(|| {
        let scene = Scene::new(|_| true);
        let give_up: fn(&Scene) -> Option<Got> = |scene| {
            scene.give_up();
            None
        };
        let got = scene.race(&[give_up, |scene| Some(scene.come(0)), |scene| Some(scene.come(0))]);
        let built = scene.place.get().expect("two have come for it");
        assert!(got.iter().flatten().all(|(got, _)| *got == Ok(built)), "{got:?}");
        assert!(scene.attempts.load(Relaxed) <= 2, "of the two that stayed, both have built");
    });
}

#[test]
fn what_no_longer_serves_is_built_anew_by_one() {
    ::loom::model(|| {
        let scene = Scene::new(|number| *number != 1);
        assert_eq!(scene.come(0), (Ok(1), false));
        assert_eq!(scene.place.get(), None);
        let got = scene.race(&[|scene: &Scene| scene.come(0); 2]);
        assert!(got.iter().all(|(got, _)| *got == Ok(2)), "{got:?}");
    });
}
