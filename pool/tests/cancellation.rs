//! Dropping a future, at whatever point, loses no connection, no place and no wake-up.

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Fake, Server, assert_whole, millis, settings, start};
use pool::{Condition, Guard, Pool};

/// Polls a future this often, a millisecond apart, and drops it then. Answers what it came to.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
        tokio::time::sleep(millis(1)).await;
    }
    None
}

/// What a caller finds.
#[derive(Clone, Copy, Debug)]
enum Found {
    Nothing,
    Stale,
    Dead,
    AllTaken,
    AllTakenAndDirty,
    OldGeneration,
}

/// Brings a pool of two into that state, with every step taking three milliseconds.
async fn bring_about(found: Found) -> (Pool<Fake>, std::sync::Arc<Server>, Vec<Guard<Fake>>) {
    let (pool, server) = start(settings(0, 2)).await;
    let mut held = Vec::new();
    if !matches!(found, Found::Nothing) {
        pool.renew().await.unwrap();
    }
    match found {
        Found::Nothing => {}
        Found::Stale => tokio::time::sleep(Duration::from_secs(1)).await,
        Found::Dead => {
            server.kill_all();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Found::AllTaken | Found::AllTakenAndDirty | Found::OldGeneration => {
            held = vec![pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
        }
    }
    match found {
        Found::AllTakenAndDirty => {
            held.iter_mut().for_each(|guard| guard.condition = Condition::CutShort);
        }
        Found::OldGeneration => pool.expire_now().await,
        _ => {}
    }
    for millis in [&server.connect_ms, &server.check_ms, &server.clean_ms, &server.close_ms] {
        millis.store(3, SeqCst);
    }
    (pool, server, held)
}

#[tokio::test(start_paused = true)]
async fn an_acquire_dropped_at_any_point_loses_nothing() {
    let all = [
        Found::Nothing,
        Found::Stale,
        Found::Dead,
        Found::AllTaken,
        Found::AllTakenAndDirty,
        Found::OldGeneration,
    ];
    for found in all {
        for fails_each in [0, 1, 2, 3] {
            for given_back_after in [0, 2, 5] {
                for polls in 0..14 {
                    let (pool, server, held) = bring_about(found).await;
                    server.fails_each.store(fails_each, SeqCst);
                    let returning = tokio::spawn(async move {
                        tokio::time::sleep(millis(given_back_after)).await;
                        drop(held);
                    });
                    drop(cancelled_after(polls, pool.acquire()).await);
                    returning.await.unwrap();
                    assert_whole(&pool, &server).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_to_one_who_left_goes_to_the_next() {
    let (pool, _server) = start(settings(1, 1)).await;
    let held = pool.acquire().await.unwrap();
    let mut first = Box::pin(pool.acquire());
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { pool.acquire_timeout(millis(10)).await.map(drop) }
    });
    tokio::time::sleep(millis(1)).await;
    drop(held);
    drop(first);
    second.await.unwrap().expect("the second is served by what the first has left");
}

#[tokio::test(start_paused = true)]
async fn release_close_reset_renew_maintain_and_start_may_be_dropped_at_any_point() {
    for polls in 0..10 {
        for step in 0..6 {
            let (pool, server, held) = bring_about(Found::AllTakenAndDirty).await;
            let mut held = held.into_iter();
            let mut first = held.next();
            match step {
                0 => drop(cancelled_after(polls, first.take().unwrap().release()).await),
                1 => drop(cancelled_after(polls, first.take().unwrap().close()).await),
                2 => drop(cancelled_after(polls, pool.reset()).await),
                3 => drop(cancelled_after(polls, pool.expire_now()).await),
                4 => drop(cancelled_after(polls, pool.maintain()).await),
                _ => {
                    drop(first.take());
                    drop(cancelled_after(polls, pool.renew()).await);
                }
            }
            drop((first, held));
            assert_whole(&pool, &server).await;
        }
        let fake = Fake::default();
        fake.0.connect_ms.store(3, SeqCst);
        drop(cancelled_after(polls, Pool::start(fake.clone(), settings(2, 2))).await);
        tokio::time::sleep(millis(100)).await;
        assert_eq!(Server::count(&fake.0.open), 0, "a start that was given up leaves nothing open");
    }
}

/// Random numbers that a failed run can repeat.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Polls as long as others run, this often at most, and is woken as any future is.
async fn dropped_after<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled =
            std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_a_hundred_thousand_random_cancellations_loses_nothing() {
    const TASKS: u64 = 20;
    const CANCELLED: usize = 100_000;
    let (pool, server) = start(pool::Settings {
        check_after: Duration::from_micros(1),
        retry_min: millis(1),
        retry_max: millis(1),
        ..settings(0, 4)
    })
    .await;
    server.yields.store(2, SeqCst);
    server.fails_each.store(97, SeqCst);
    let cancelled = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|seed| {
            let (pool, cancelled) = (pool.clone(), std::sync::Arc::clone(&cancelled));
            tokio::spawn(async move {
                let mut random = Random(seed);
                let mut served = 0_u64;
                while cancelled.load(SeqCst) < CANCELLED {
                    let polls = random.below(12);
                    let Some(Ok(mut guard)) = dropped_after(polls, pool.acquire()).await else {
                        cancelled.fetch_add(1, SeqCst);
                        continue;
                    };
                    served += 1;
                    assert_eq!(guard.condition, Condition::Clean, "handed out dirty");
                    match random.below(10) {
                        0 => guard.condition = Condition::CutShort,
                        1 => guard.call_begins(),
                        _ => {}
                    }
                    for _ in 0..random.below(3) {
                        tokio::task::yield_now().await;
                    }
                    match random.below(40) {
                        0 => drop(dropped_after(random.below(4), guard.release()).await),
                        1 => drop(dropped_after(random.below(4), guard.close()).await),
                        2 => drop(dropped_after(random.below(4), pool.reset()).await),
                        _ => drop(guard),
                    }
                }
                served
            })
        })
        .collect();
    let mut served = 0;
    for task in tasks {
        served += task.await.unwrap();
    }
    assert!(served > 1000, "only {served} were served: the storm has tested nothing");
    // What the storm has left behind comes to its end.
    for _ in 0..1000 {
        let stats = pool.stats();
        if stats.in_use + stats.connecting + stats.checking == 0 {
            break;
        }
        tokio::time::sleep(millis(5)).await;
    }
    assert_whole(&pool, &server).await;
    println!("{served} served, {CANCELLED} cancelled, {:?}", pool.stats().closed);
}
