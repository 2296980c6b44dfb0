//! Ageing of priorities, in paused time.

mod common;

use std::time::Duration;

use common::{Fake, millis, settings, start};
use pool::{Ageing, Pool, Priority, Settings};
use tokio::time::{Instant, sleep};

/// For how long one of low priority waits for the only connection, which is always wanted by three of high
/// priority who hold it for 10 ms each, for a minute.
async fn low_among_high(ageing: Option<Ageing>) -> Duration {
    let settings = Settings { ageing, acquire_timeout: millis(90_000), ..settings(1, 1) };
    let (pool, _server) = start(settings).await;
    let begun = Instant::now();
    let busy = |pool: Pool<Fake>| async move {
        while begun.elapsed() < Duration::from_secs(60) {
            let _guard = pool.acquire_with(Priority::High).await.unwrap();
            sleep(millis(10)).await;
        }
    };
    for _ in 0..3 {
        tokio::spawn(busy(pool.clone()));
    }
    sleep(millis(5)).await;
    let asked = Instant::now();
    drop(pool.acquire_with(Priority::Low).await.unwrap());
    asked.elapsed()
}

#[tokio::test(start_paused = true)]
async fn low_priority_waits_for_its_allowance_and_for_those_who_came_within_it() {
    let waited = low_among_high(Some(Ageing::default())).await;
    // Three may have come within its ten seconds who are still before it.
    let allowance = Ageing::default().low;
    assert!((allowance..=allowance + millis(30)).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn without_ageing_it_waits_for_as_long_as_others_come() {
    let waited = low_among_high(None).await;
    assert!(waited > Duration::from_secs(59), "{waited:?}");
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong = |normal, low| {
        let ageing = Some(Ageing { normal: millis(normal), low: millis(low) });
        Settings { ageing, ..Default::default() }.validate().unwrap_err().to_string()
    };
    assert_eq!(wrong(2_000, 1_000), "ageing.normal: 2s is more than low, which is 1s");
    assert!(wrong(0, u64::MAX).starts_with("ageing.low: "), "{}", wrong(0, u64::MAX));
}
