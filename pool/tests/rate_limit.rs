//! Rate limits, in paused time: governor goes by tokio's clock.
#![cfg(feature = "rate-limit")]

mod common;
#[path = "common/events.rs"]
mod events;

use std::time::Duration;

use common::{Fake, assert_whole, millis, settings, start};
use events::Events;
use pool::{Ask, Error, LimitStats, Limited, Pool, RateLimit, Settings, WhenOver};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// So many in a second, one after the other.
fn limit(of: Limited, permits: u32, when_over: WhenOver) -> RateLimit {
    RateLimit { of, permits, per: Duration::from_secs(1), burst: Some(1), when_over }
}

fn with(rate_limits: Vec<RateLimit>) -> Settings {
    Settings { rate_limits, ..settings(4, 4) }
}

fn of(pool: &Pool<Fake>, of: &Limited) -> LimitStats {
    let stats = pool.stats().rate_limits;
    stats.into_iter().find(|stats| stats.of == *of).expect("it has a limit")
}

fn calls(pool: &Pool<Fake>, count: usize, ask: &Ask) -> Vec<JoinHandle<Result<Instant, Error>>> {
    let call = |pool: Pool<Fake>, ask| async move {
        pool.acquire_with(ask).await.map(drop).map(|()| Instant::now())
    };
    (0..count).map(|_| tokio::spawn(call(pool.clone(), ask.clone()))).collect()
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_served_at_the_rate_and_in_order() {
    let (pool, server) = start(with(vec![limit(Limited::Pool, 10, WhenOver::Wait)])).await;
    let begun = Instant::now();
    for (turn, call) in (0..20).zip(calls(&pool, 20, &Ask::new())) {
        let at = call.await.unwrap().expect("its time is 30 s");
        assert_eq!(at - begun, millis(100 * turn), "the one who came as number {turn}");
    }
    let stats = of(&pool, &Limited::Pool);
    assert_eq!((stats.passed, stats.refused, stats.waiting, stats.waited.count), (20, 0, 0, 19));
    assert_eq!(stats.waited.max_ns, 1_900_000_000);
    assert_eq!(pool.stats().wait.max_ns, 0, "waiting for a permit is not waiting for a connection");
    sleep(Duration::from_secs(1)).await;
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_in_store_after_a_pause_and_no_more() {
    let burst = RateLimit { burst: Some(5), ..limit(Limited::Pool, 10, WhenOver::Refuse) };
    let (pool, _server) = start(with(vec![burst])).await;
    for _ in 0..3 {
        let mut served = 0;
        while pool.acquire().await.is_ok() {
            served += 1;
        }
        assert_eq!(served, 5);
        sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_is_refused_is_told_when_to_come_again() {
    let events = Events::listen();
    let (pool, _server) = start(with(vec![limit(Limited::Pool, 4, WhenOver::Refuse)])).await;
    drop(pool.acquire().await.unwrap());
    sleep(millis(50)).await;
    for error in [pool.acquire().await.unwrap_err(), pool.try_acquire().unwrap_err()] {
        let Error::RateLimited { of, retry_after } = error else { panic!("{error}") };
        assert_eq!((of.as_str(), retry_after), ("pool", millis(200)));
    }
    sleep(millis(200)).await;
    drop(pool.acquire().await.unwrap());
    assert_eq!(of(&pool, &Limited::Pool).refused, 2);
    let told = events.with("no permit");
    assert!(told.len() == 2 && told[0].contains("retry in 200ms"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_in_vain_for_a_turn_that_comes_too_late() {
    let (pool, _server) = start(with(vec![limit(Limited::Pool, 10, WhenOver::Wait)])).await;
    let begun = Instant::now();
    drop(pool.acquire().await.unwrap());
    let waiting = calls(&pool, 3, &Ask::new());
    sleep(millis(1)).await;
    // The next is the fourth to wait: its turn is at 400 ms.
    let error = pool.acquire_timeout(millis(250)).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error}");
    assert_eq!(begun.elapsed(), millis(1), "it was refused at once");
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    assert_eq!(begun.elapsed(), millis(300));
    let error = pool.acquire_timeout(millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { retry_after, .. } if retry_after == millis(100)));
}

/// One who comes in the very moment of the next permit, before the one who waits for it has run.
#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_one_who_waits() {
    let (pool, _server) = start(with(vec![limit(Limited::Pool, 10, WhenOver::Wait)])).await;
    drop(pool.acquire().await.unwrap());
    let begun = Instant::now();
    // Polled by hand, so that it stands in the line and has not run when its permit comes.
    let mut first = std::pin::pin!(pool.acquire());
    assert!(poll(first.as_mut()).is_pending());
    sleep(millis(100)).await;
    let mut second = std::pin::pin!(pool.acquire());
    assert!(poll(second.as_mut()).is_pending(), "it has overtaken");
    assert!(matches!(pool.try_acquire(), Err(Error::RateLimited { .. })), "it has overtaken");
    drop(first.await.unwrap());
    assert_eq!(begun.elapsed(), millis(100));
    drop(second.await.unwrap());
    assert_eq!(begun.elapsed(), millis(200));
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

/// At each point of its wait.
#[tokio::test(start_paused = true)]
async fn one_who_gives_up_while_it_waits_has_taken_no_turn() {
    for waited in [0, 1, 50, 99, 150] {
        let (pool, server) = start(with(vec![limit(Limited::Pool, 10, WhenOver::Wait)])).await;
        let begun = Instant::now();
        drop(pool.acquire().await.unwrap());
        let quitter = tokio::spawn({
            let pool = pool.clone();
            async move { drop(pool.acquire().await) }
        });
        let second = tokio::spawn({
            let pool = pool.clone();
            async move { drop(pool.acquire().await) }
        });
        tokio::task::yield_now().await;
        let others = calls(&pool, 2, &Ask::new());
        sleep(millis(waited)).await;
        // One that stands first, or, once the first is through, the second.
        let gone = if waited < 100 { quitter } else { second };
        gone.abort();
        let mut last = begun;
        for call in others {
            last = call.await.unwrap().unwrap();
        }
        assert_eq!(last - begun, millis(300), "given up after {waited} ms");
        assert_eq!((of(&pool, &Limited::Pool).waiting, of(&pool, &Limited::Pool).passed), (0, 4));
        sleep(Duration::from_secs(1)).await;
        assert_whole(&pool, &server).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_tag_has_its_own_limit_and_the_narrower_one_comes_first() {
    let named = |tag: &str| Limited::Tag(String::from(tag));
    let limits = vec![
        limit(Limited::EachTag, 10, WhenOver::Refuse),
        limit(named("report"), 1, WhenOver::Refuse),
        RateLimit { burst: Some(3), ..limit(Limited::Pool, 10, WhenOver::Refuse) },
    ];
    let (pool, _server) = start(with(limits)).await;
    let ask = |tag: &'static str| pool.acquire_with(Ask::new().tag(tag));
    drop(ask("report").await.unwrap());
    drop(ask("checkout").await.unwrap());
    // Held back by their tags' limits, they take nothing of the pool's, which has one in store.
    for tag in ["report", "checkout"] {
        let error = ask(tag).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("the rate limit of tag {tag} is reached")), "{error}");
    }
    drop(pool.acquire().await.unwrap());
    let error = pool.acquire().await.unwrap_err().to_string();
    assert_eq!(error, "the rate limit of pool is reached, retry in 100ms");
    sleep(millis(100)).await;
    drop(ask("checkout").await.unwrap());
    let counts = |of_: Limited| (of(&pool, &of_).passed, of(&pool, &of_).refused);
    assert_eq!(
        [counts(named("report")), counts(named("checkout")), counts(Limited::Pool)],
        [(1, 1), (2, 1), (4, 1)]
    );
    let tags = pool.stats().tags;
    assert_eq!(tags.iter().map(|tag| tag.refused).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_has_its_own_limit() {
    let acme = Limited::Tenant(String::from("acme"));
    let (pool, _server) = start(with(vec![limit(acme.clone(), 10, WhenOver::Wait)])).await;
    let begun = Instant::now();
    for _ in 0..3 {
        drop(pool.acquire_with(Ask::new().tenant("acme")).await.unwrap());
        drop(pool.acquire_with(Ask::new().tenant("other")).await.unwrap());
    }
    assert_eq!((begun.elapsed(), of(&pool, &acme).passed), (millis(200), 3));
    let error = pool.acquire_with(Ask::new().tenant("acme").within(millis(5))).await.unwrap_err();
    assert_eq!(error.to_string(), "the rate limit of tenant acme is reached, retry in 100ms");
}

#[tokio::test(start_paused = true)]
async fn a_named_tag_has_its_limit_however_many_others_came_first() {
    let limits = vec![limit(Limited::Tag(String::from("report")), 1, WhenOver::Refuse)];
    let (pool, _server) = start(Settings { max_tags: 2, ..with(limits) }).await;
    for tag in ["first", "second", "third"] {
        drop(pool.acquire_with(Ask::new().tag(tag)).await.unwrap());
    }
    drop(pool.acquire_with(Ask::new().tag("report")).await.unwrap());
    assert!(pool.acquire_with(Ask::new().tag("report")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_call_and_not_from_the_permit() {
    let (pool, _server) = start(with(vec![limit(Limited::Pool, 10, WhenOver::Wait)])).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(pool.acquire().await.unwrap());
    }
    let begun = Instant::now();
    let error = pool.acquire_timeout(millis(250)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { waited, .. } if waited == millis(150)), "{error}");
    assert_eq!(begun.elapsed(), millis(250));
    let waiter = calls(&pool, 1, &Ask::new());
    sleep(millis(150)).await;
    pool.close(millis(1)).await.unwrap_err();
    assert!(matches!(waiter.into_iter().next().unwrap().await.unwrap(), Err(Error::Closed)));
}

#[test]
fn limits_that_make_no_sense_are_named() {
    let pool = |permits, per, burst| RateLimit {
        of: Limited::Pool,
        permits,
        per: Duration::from_millis(per),
        burst,
        when_over: WhenOver::Wait,
    };
    let tag = |tag: &str| RateLimit { of: Limited::Tag(String::from(tag)), ..pool(1, 1, None) };
    let wrong = [
        (vec![pool(0, 1, None)], "rate_limits[0].permits: must be at least 1"),
        (vec![pool(1, 0, None)], "rate_limits[0].per: must be more than zero"),
        (vec![pool(1, 1, Some(0))], "rate_limits[0].burst: must be at least 1"),
        (
            vec![pool(2_000_000, 1, None)],
            "rate_limits[0].permits: is more than one in a nanosecond",
        ),
        (vec![tag("a"), tag("a")], "rate_limits[1].of: there is another limit of tag a"),
        (vec![tag("a"), tag("b")], "max_tags: 1 are fewer than the 2 tags that have a rate limit"),
    ];
    for (rate_limits, problem) in wrong {
        let settings = Settings { max_tags: 1, ..with(rate_limits) };
        assert_eq!(settings.validate().unwrap_err().to_string(), problem);
    }
}

#[test]
fn limits_come_from_serde() {
    let json = r#"{"rate_limits": [
        {"of": "pool", "permits": 100, "per": 1000},
        {"of": {"tag": "report"}, "permits": 1, "per": 60000, "burst": 2, "when_over": "refuse"}
    ]}"#;
    let settings: Settings = serde_json::from_str(json).unwrap();
    settings.validate().unwrap();
    assert_eq!(settings.rate_limits[0].when_over, WhenOver::Wait);
    assert_eq!(settings.rate_limits[1].of, Limited::Tag(String::from("report")));
    let back: Settings = serde_json::from_value(serde_json::to_value(&settings).unwrap()).unwrap();
    assert_eq!(back, settings);
}
