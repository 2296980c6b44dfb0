//! Faults on purpose, in paused time: what they do to the pool, and that a run repeats from its seed.
#![cfg(feature = "fault-injection")]

mod common;

use std::io::Write;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
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

/// Collects lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The events, with ids that do not show the time of day.
    fn timeless(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let word = |word: &str| match word.strip_prefix("id=conn_") {
            Some(id) => format!("conn_{}", id.split('_').next().unwrap()),
            None => String::from(word),
        };
        let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        text.lines().map(line).collect()
    }
}

/// All events of a crowd over a pool with faults everywhere.
async fn events_of(seed: u64) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let faults = Faults::new(seed);
    let settings = Settings { max_lifetime: None, check_after: millis(2), ..settings(0, 5) };
    let (pool, server) = start_faulty(settings, &faults).await;
    server.connect_ms.store(3, SeqCst);
    for (step, rate) in [(Step::Connect, 0.2), (Step::Check, 0.3), (Step::Release, 0.1)] {
        faults.set_rate(step, rate).unwrap();
        faults.set_delay(step, 0.3, millis(5)).unwrap();
    }
    let callers: Vec<_> = (0..150)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                sleep(millis(n)).await;
                if let Ok(_guard) = pool.acquire_timeout(millis(40)).await {
                    sleep(millis(n % 7)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    pool.close(Duration::from_secs(5)).await.unwrap();
    drop(pool);
    lines.timeless()
}

#[tokio::test(start_paused = true)]
async fn a_run_repeats_exactly_from_its_seed() {
    let (first, again, other) = (events_of(3).await, events_of(3).await, events_of(4).await);
    let injected = first.iter().filter(|line| line.contains("fault injected")).count();
    assert!(injected > 30, "{injected} of {} events", first.len());
    for (at, (first, again)) in first.iter().zip(&again).enumerate() {
        assert_eq!(first, again, "event {at}");
    }
    assert_eq!(first.len(), again.len());
    assert_ne!(first, other);
}
