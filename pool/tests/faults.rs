//! Faults on purpose, in paused time: what they do to the pool.
#![cfg(feature = "fault-injection")]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{Fake, Server, millis, settings};
use pool::faults::{Fault, Faults, Faulty};
use pool::{Error, Pool, Reason, Settings, Step};
use tokio::time::{Instant, sleep};

async fn start_faulty(settings: Settings, faults: &Faults) -> (Pool<Faulty<Fake>>, Arc<Server>) {
    let fake = Fake::default();
    let server = Arc::clone(&fake.0);
    (Pool::start(Faulty::new(fake, faults.clone()), settings).await.unwrap(), server)
}

#[tokio::test(start_paused = true)]
async fn the_third_connect_fails_if_the_script_says_so() {
    let faults = Faults::new(1);
    faults.script(Step::Connect, 3, Fault::Fail).unwrap();
    let (pool, server) = start_faulty(settings(0, 4), &faults).await;
    let (first, second) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    assert_eq!(pool.stats().connect_errors, 0);
    // It fails, and the pool tries again.
    let third = pool.acquire().await.unwrap();
    assert_eq!((pool.stats().connect_errors, Server::count(&server.attempts)), (1, 3));
    drop((first, second, third));
    let connects = pool.stats().faults.unwrap().steps[&Step::Connect];
    assert_eq!((connects.seen, connects.failed, connects.delayed), (4, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn every_step_can_be_made_to_fail_and_says_that_it_was() {
    let faults = Faults::new(1);
    let (pool, server) = start_faulty(settings(1, 1), &faults).await;

    for step in [Step::Release, Step::Clean] {
        faults.set_rate(step, 1.0).unwrap();
        let mut guard = pool.acquire().await.unwrap();
        guard.call_begins();
        let error = guard.release().await.unwrap_err();
        assert!(error.to_string().ends_with(&format!("{step} number 1 fails")), "{error}");
        faults.stop();
        sleep(millis(1)).await;
    }
    assert_eq!(pool.stats().closed[&Reason::Unclean], 2);

    faults.set_rate(Step::Close, 1.0).unwrap();
    let error = pool.acquire().await.unwrap().close().await.unwrap_err();
    assert!(error.to_string().ends_with("closing number 1 fails"), "{error}");
    sleep(millis(200)).await;

    faults.set_rate(Step::Check, 1.0).unwrap();
    let id = pool.acquire().await.unwrap().id();
    assert_eq!((pool.stats().closed[&Reason::Unhealthy], id.index()), (1, 5));
    faults.stop();

    server.is_down.store(false, SeqCst);
    faults.set_rate(Step::Connect, 1.0).unwrap();
    pool.expire_now().await;
    let error = pool.acquire().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }));
    assert!(error.to_string().contains("injected fault: connecting number"), "{error}");
    // The drill is over.
    faults.set_rate(Step::Connect, 0.0).unwrap();
    sleep(millis(200)).await;
    drop(pool.acquire().await.unwrap());
    assert_eq!(Server::count(&server.open), 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_delayed_still_ends_by_its_limit() {
    let faults = Faults::new(1);
    let (pool, _server) = start_faulty(settings(0, 1), &faults).await;
    faults.set_delay(Step::Connect, 1.0, millis(30)).unwrap();
    let begun = Instant::now();
    pool.acquire().await.unwrap().close().await.unwrap();
    assert_eq!(begun.elapsed(), millis(30));

    faults.set_delay(Step::Connect, 1.0, Duration::from_secs(3_600)).unwrap();
    let begun = Instant::now();
    let error = pool.acquire().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect: connecting took longer than 5s");
    assert_eq!(begun.elapsed(), pool.settings().connect_timeout);
}

#[tokio::test(start_paused = true)]
async fn a_place_of_ones_own_can_be_struck_too() {
    let faults = Faults::new(1);
    faults.script(Step::Query, 2, Fault::Fail).unwrap();
    faults.script(Step::Query, 3, Fault::Delay(millis(7))).unwrap();
    let begun = Instant::now();
    assert!(faults.strike(Step::Query).await.is_ok());
    let error = faults.strike(Step::Query).await.unwrap_err();
    assert_eq!(error.to_string(), "injected fault: querying number 2 fails");
    assert_eq!(begun.elapsed(), millis(0));
    assert!(faults.strike(Step::Query).await.is_ok());
    assert_eq!(begun.elapsed(), millis(7));
}

#[test]
fn wrong_rates_and_scripts_are_errors() {
    let faults = Faults::new(1);
    for wrong in [-0.1, 1.000_001, f64::NAN, f64::INFINITY] {
        let error = faults.set_rate(Step::Connect, wrong).unwrap_err();
        let expected = format!("rate of connecting: {wrong} is not between 0 and 1");
        assert_eq!(error.to_string(), expected);
        let error = faults.set_delay(Step::Check, wrong, millis(1)).unwrap_err();
        assert_eq!(error.field, "delay rate of checking");
    }
    let error = faults.script(Step::Connect, 0, Fault::Fail).unwrap_err();
    assert_eq!(error.to_string(), "script of connecting: number 0 is over; 0 have come");
}

#[tokio::test(start_paused = true)]
async fn as_many_are_struck_as_the_rate_says() {
    const STEPS: u32 = 20_000;
    for rate in [0.0, 0.03, 0.5, 1.0] {
        let faults = Faults::new(7);
        faults.set_rate(Step::Query, rate).unwrap();
        let mut failed = 0;
        for _ in 0..STEPS {
            failed += u32::from(faults.strike(Step::Query).await.is_err());
        }
        let share = f64::from(failed) / f64::from(STEPS);
        // Three standard deviations are 0.011 at most. The seed is fixed, so this is no matter of luck.
        assert!((share - rate).abs() < 0.011, "{share} of {rate}");
    }
}
