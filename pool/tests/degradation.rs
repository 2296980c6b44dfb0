//! Waiting less, shedding and falling back, in paused time.

mod common;
#[path = "common/events.rs"]
mod events;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use common::{Fake, assert_whole, millis, settings, start};
use events::Events;
use pool::{
    Ask, Breaker, Degradation, DegradationStats, Error, Fallback, Guard, Pool, Priority, Rule,
    Settings, Shed, WaitLess, Why,
};
use tokio::time::{Instant, sleep};

fn with(degradation: Degradation) -> Settings {
    Settings { degradation, ..settings(1, 1) }
}

fn stats(pool: &Pool<Fake>) -> DegradationStats {
    pool.stats().degradation.expect("there are rules")
}

/// So many who wait.
async fn crowd(pool: &Pool<Fake>, count: usize) -> Vec<tokio::task::JoinHandle<Result<(), Error>>> {
    let call = |pool: Pool<Fake>| async move { pool.acquire().await.map(drop) };
    let crowd = (0..count).map(|_| tokio::spawn(call(pool.clone()))).collect();
    sleep(millis(1)).await;
    assert_eq!(pool.stats().waiting, count);
    crowd
}

#[tokio::test(start_paused = true)]
async fn newcomers_wait_less_while_many_wait_and_the_error_names_the_rule() {
    let events = Events::listen();
    let wait_less = Some(WaitLess { waiting_over: Some(2), limit: millis(50) });
    let (pool, server) = start(with(Degradation { wait_less, ..Default::default() })).await;
    let held = pool.acquire().await.unwrap();
    let crowd = crowd(&pool, 3).await;
    let begun = Instant::now();
    let error = pool.acquire_with(Ask::new().tag("late")).await.unwrap_err();
    let Error::Overloaded {
        rule: Rule::WaitLess, waited, why: Why::Exhausted { waiting, .. }, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!((*waited, *waiting, begun.elapsed()), (millis(50), 3, millis(50)));
    assert!(
        error.to_string().starts_with("refused by the rule wait_less after 50ms: all 1 are in use")
    );
    let told = events.with("refused to spare others");
    assert!(told.len() == 1 && told[0].contains("rule=\"wait_less\""), "{told:?}");
    assert!(told[0].contains("tag=\"late\""), "{told:?}");

    // A caller whose own limit is shorter gets its own error.
    let error = pool.acquire_timeout(millis(20)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    drop(held);
    for caller in crowd {
        caller.await.unwrap().expect("who waits already is not cut short");
    }
    assert_eq!((stats(&pool).wait_less, pool.stats().timeouts), (1, 1));
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn the_less_important_are_shed_at_once_when_the_queue_is_long() {
    let shed = |priority, most| Shed { priority, waiting_over: Some(most), expected_over: None };
    let shed = vec![shed(Priority::Low, 1), shed(Priority::Normal, 3)];
    let (pool, server) = start(with(Degradation { shed, ..Default::default() })).await;
    let held = pool.acquire().await.unwrap();
    let mut waiting = crowd(&pool, 1).await;
    let outcome = async |priority| {
        let begun = Instant::now();
        let ask = Ask::from(priority).within(millis(10));
        let error = pool.acquire_with(ask).await.unwrap_err();
        match error {
            Error::Overloaded { rule: Rule::ShedByQueue, waited: Duration::ZERO, .. } => {
                assert_eq!(begun.elapsed(), Duration::ZERO);
                "shed"
            }
            Error::Timeout { .. } => "waited",
            other => panic!("{other}"),
        }
    };
    let all = async || {
        [
            outcome(Priority::Low).await,
            outcome(Priority::Normal).await,
            outcome(Priority::High).await,
        ]
    };
    assert_eq!(all().await, ["waited", "waited", "waited"], "one waits");
    waiting.extend(crowd_more(&pool, 2).await);
    assert_eq!(all().await, ["shed", "waited", "waited"], "two wait");
    waiting.extend(crowd_more(&pool, 4).await);
    assert_eq!(all().await, ["shed", "shed", "waited"], "four wait");
    assert_eq!(stats(&pool).shed_by_queue, 3);
    drop(held);
    for caller in waiting {
        caller.await.unwrap().unwrap();
    }
    drop(pool.acquire_with(Priority::Low).await.expect("nobody waits"));
    assert_whole(&pool, &server).await;
}

/// Until so many wait.
async fn crowd_more(
    pool: &Pool<Fake>,
    until: usize,
) -> Vec<tokio::task::JoinHandle<Result<(), Error>>> {
    let call = |pool: Pool<Fake>| async move { pool.acquire().await.map(drop) };
    let more = until - pool.stats().waiting;
    let crowd = (0..more).map(|_| tokio::spawn(call(pool.clone()))).collect();
    sleep(millis(1)).await;
    crowd
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_be_too_long_is_not_begun() {
    let shed =
        Shed { priority: Priority::Low, waiting_over: None, expected_over: Some(millis(250)) };
    let rules = Degradation { shed: vec![shed], refuse_hopeless: true, ..Default::default() };
    let (pool, _server) = start(with(rules)).await;
    // Connections are held for 100 ms: that is what the estimate goes by.
    for _ in 0..8 {
        let _held = pool.acquire().await.unwrap();
        sleep(millis(100)).await;
    }
    assert_eq!(stats(&pool).mean_hold_ns, 100_000_000);
    let held = pool.acquire().await.unwrap();
    let first = crowd(&pool, 1).await;
    let error = pool.acquire_with(Ask::from(Priority::Low).within(millis(250))).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "200 ms are not too long: {error}");
    let second = crowd_more(&pool, 2).await;
    let error = pool.acquire_with(Priority::Low).await.unwrap_err();
    let Error::Overloaded { rule: Rule::ShedByWait, expected, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(expected, Some(millis(300)));
    let error = pool.acquire_timeout(millis(299)).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { rule: Rule::RefuseHopeless, .. }), "{error}");
    let error = pool.acquire_timeout(millis(300)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!((stats(&pool).shed_by_wait, stats(&pool).refuse_hopeless), (1, 1));
    drop(held);
    for caller in first.into_iter().chain(second) {
        caller.await.unwrap().unwrap();
    }
}

/// A pool and its replica, of which a caller gets a connection when it gets none of the pool.
async fn with_replica(settings: Settings) -> (Pool<Fake>, Arc<common::Server>, Pool<Fake>) {
    let (primary, server) = start(settings).await;
    let replica = Settings { name: String::from("replica"), ..common::settings(1, 1) };
    let (replica, _) = start(replica).await;
    primary.set_fallback(Fallback::to(replica.clone())).expect("it is the first");
    (primary, server, replica)
}

#[tokio::test(start_paused = true)]
async fn who_gets_none_gets_one_of_the_replica() {
    let events = Events::listen();
    let wait_less = Some(WaitLess { waiting_over: None, limit: millis(20) });
    let rules = with(Degradation { wait_less, ..Default::default() });
    let (pool, _server, replica) = with_replica(rules).await;
    let held = pool.acquire().await.unwrap();
    assert_eq!(held.pool_name(), "pool");
    let begun = Instant::now();
    let other = pool.acquire_with(Ask::new().tag("read")).await.unwrap();
    assert_eq!((other.pool_name(), begun.elapsed()), ("replica", millis(20)));
    assert_eq!(replica.stats().tags[0].tag, "read");
    let told = events.with("falls back");
    assert!(told.len() == 1 && told[0].contains("wait_less"), "{told:?}");

    // Whoever has to have the primary does not get another, and when the replica has none either, the caller
    // gets the primary's error, in its time.
    let error = pool.acquire_with(Ask::new().no_fallback()).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { .. }), "{error}");
    let begun = Instant::now();
    let error = pool.acquire_timeout(millis(100)).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { rule: Rule::WaitLess, .. }), "{error}");
    assert_eq!(begun.elapsed(), millis(100));
    assert_eq!((stats(&pool).fell_back, stats(&pool).fallback_failed), (1, 1));
    drop(other);
    assert_eq!(replica.stats().idle, 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_circuit_is_open_the_replica_serves() {
    let breaker = Some(Breaker { failures_in_a_row: Some(1), ..Breaker::default() });
    let (pool, server, replica) = with_replica(Settings { breaker, ..settings(0, 1) }).await;
    server.is_down.store(true, SeqCst);
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(pool.acquire().await.unwrap().pool_name(), "replica");
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!((stats(&pool).fell_back, replica.stats().wait.count), (10, 10));
    let error = pool.acquire_with(Ask::new().no_fallback()).await.unwrap_err();
    assert!(matches!(error, Error::CircuitOpen { .. }), "{error}");
    pool.close(millis(1)).await.unwrap();
    assert!(matches!(pool.acquire().await, Err(Error::Closed)), "closed is closed");
}

#[tokio::test(start_paused = true)]
async fn a_closure_decides_and_two_pools_do_not_go_in_circles() {
    let (pool, _server) = start(settings(1, 1)).await;
    let (other, _) = start(Settings { name: String::from("other"), ..settings(1, 1) }).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let fallback = Fallback::with({
        let (other, asked) = (other.clone(), Arc::clone(&asked));
        move |fallen: pool::Fallen| {
            let (other, asked) = (other.clone(), Arc::clone(&asked));
            async move {
                sleep(millis(3)).await;
                match (fallen.error, asked.fetch_add(1, SeqCst)) {
                    (Error::Timeout { .. }, 0) => other.acquire_with(fallen.ask).await,
                    (error, _) => Err(error),
                }
            }
        }
    });
    pool.set_fallback(fallback).unwrap();
    other.set_fallback(Fallback::to(pool.clone())).unwrap();
    assert!(pool.set_fallback(Fallback::to(other.clone())).is_err(), "there is one");
    let held = pool.acquire().await.unwrap();
    let served = pool.acquire_timeout(millis(10)).await.unwrap();
    assert_eq!(served.pool_name(), "other");
    // Both are taken: it asks here, there, and no further.
    let begun = Instant::now();
    let error = other.acquire_timeout(millis(30)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!((begun.elapsed(), asked.load(SeqCst)), (millis(30), 1));
    // One that gives up while the closure runs takes nothing with it.
    drop(served);
    asked.store(0, SeqCst);
    let gone = tokio::time::timeout(millis(12), pool.acquire_timeout(millis(10))).await;
    assert!(gone.is_err());
    sleep(millis(10)).await;
    assert_eq!((other.stats().idle, other.stats().in_use), (1, 0));
    drop(held);
    let _held: Guard<Fake> = pool.acquire().await.unwrap();
}

#[test]
fn rules_that_make_no_sense_are_named_and_rules_come_from_serde() {
    let json = r#"{"degradation": {
        "wait_less": {"waiting_over": 10, "limit": 500},
        "shed": [{"priority": "low", "waiting_over": 50}, {"priority": "normal", "expected_over": 2000}],
        "refuse_hopeless": true
    }}"#;
    let settings: Settings = serde_json::from_str(json).unwrap();
    settings.validate().unwrap();
    assert_eq!(settings.degradation.shed[1].expected_over, Some(Duration::from_secs(2)));

    let mut wrong = settings.clone();
    wrong.degradation.shed[1].expected_over = None;
    let error = wrong.validate().unwrap_err().to_string();
    assert!(
        error.starts_with("degradation.shed[1]: needs waiting_over or expected_over"),
        "{error}"
    );
    let mut wrong = settings;
    wrong.degradation.wait_less = Some(WaitLess { waiting_over: None, limit: Duration::ZERO });
    let error = wrong.validate().unwrap_err().to_string();
    assert_eq!(error, "degradation.wait_less.limit: must be more than zero");
}
