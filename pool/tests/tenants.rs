//! Tenants over a database that is not there, in paused time.

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{FROZEN, Fake, Server, assert_whole, millis, settings, start};
use pool::{Ask, Error, Pool, Priority, Settings, StartError, Tenant, TenantLimits, Tenants, Why};
use tokio::time::{Instant, sleep};

fn limits() -> TenantLimits {
    TenantLimits::new()
}

async fn start_with(size: usize, tenants: Tenants) -> (Pool<Fake>, Arc<Server>) {
    start(Settings { tenants, ..settings(size, size) }).await
}

/// Callers who ask again and again, and hold what they get for `hold`.
fn flood(tenant: &Tenant<Fake>, callers: usize, hold: Duration) {
    for _ in 0..callers {
        let tenant = tenant.clone();
        tokio::spawn(async move {
            while let Ok(_guard) = tenant.acquire().await {
                sleep(hold).await;
            }
        });
    }
}

/// The longest that one caller waits who asks a hundred times, with pauses, and holds it for 5 ms.
async fn longest_wait(quiet: &Tenant<Fake>) -> Duration {
    let mut longest = Duration::ZERO;
    for turn in 0..100 {
        sleep(millis(7 + turn % 5)).await;
        let asked = Instant::now();
        let guard = quiet.acquire().await.unwrap();
        longest = longest.max(asked.elapsed());
        sleep(millis(5)).await;
        drop(guard);
    }
    longest
}

/// 500 callers over ten connections, for 10 ms each: without tenants the last in the queue waits for 500 ms.
#[tokio::test(start_paused = true)]
async fn a_flood_delays_others_by_no_more_than_one_connection_that_comes_back() {
    for quiet_limits in [limits(), limits().share_percent(10)] {
        let (pool, _server) = start_with(10, Tenants::default()).await;
        pool.set_tenant("quiet", quiet_limits).unwrap();
        let (noisy, quiet) = (pool.tenant("noisy"), pool.tenant("quiet"));
        flood(&noisy, 500, millis(10));
        sleep(millis(100)).await;
        let longest = longest_wait(&quiet).await;
        assert!(longest <= millis(10), "{longest:?}");
        let stats = pool.stats();
        let [noisy, quiet] = &stats.tenants[..] else { panic!("{stats:?}") };
        assert_eq!((noisy.name.as_str(), quiet.name.as_str()), ("noisy", "quiet"));
        assert!(noisy.wait.p50_ns > 450_000_000, "the flood waits for itself: {noisy:?}");
        assert!(quiet.wait.max_ns <= 10_000_000 && quiet.served == 100, "{quiet:?}");
        assert_eq!((noisy.in_use, noisy.waiting, quiet.in_use, quiet.waiting), (10, 490, 0, 0));
    }
}

/// The same without tenants: what the bound above is worth.
#[tokio::test(start_paused = true)]
async fn without_tenants_a_flood_delays_everybody() {
    let (pool, _server) = start_with(10, Tenants::default()).await;
    let all = pool.tenant("all");
    flood(&all, 500, millis(10));
    sleep(millis(100)).await;
    assert!(longest_wait(&all).await >= millis(450));
}

/// A flood of those who name no tenant is a tenant's, too; and so is one of high priority.
#[tokio::test(start_paused = true)]
async fn neither_those_without_a_tenant_nor_a_priority_get_past_another_tenant() {
    let (pool, _server) = start_with(4, Tenants::default()).await;
    for _ in 0..100 {
        let pool = pool.clone();
        tokio::spawn(async move {
            while let Ok(_guard) = pool.acquire_with(Priority::High).await {
                sleep(millis(10)).await;
            }
        });
    }
    sleep(millis(100)).await;
    assert!(longest_wait(&pool.tenant("quiet")).await <= millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_tenant_at_its_maximum_waits_for_itself_and_leaves_the_rest_to_others() {
    let (pool, server) = start_with(4, Tenants::default()).await;
    pool.set_tenant("acme", limits().max(2)).unwrap();
    let acme = pool.tenant("acme");
    let held = [acme.acquire().await.unwrap(), acme.acquire().await.unwrap()];
    let error = acme.acquire_timeout(millis(5)).await.unwrap_err();
    let Error::Timeout { why: Why::TenantFull { tenant, max: 2, waiting: 0, holders }, .. } =
        &error
    else {
        panic!("{error}")
    };
    assert_eq!((tenant.as_str(), holders.len()), ("acme", 2));
    assert!(error.to_string().contains("all 2 that 'acme' may have are in use"), "{error}");
    assert!(matches!(acme.try_acquire(), Err(Error::NoneIdle { why: Why::TenantFull { .. } })));
    let others = [pool.acquire().await.unwrap(), pool.tenant("bolt").try_acquire().unwrap()];
    assert_eq!(pool.stats().waiting, 0);

    // One that is closed, not given back, makes room as well.
    let waits = tokio::spawn({
        let acme = acme.clone();
        async move { acme.acquire().await.map(drop) }
    });
    sleep(millis(1)).await;
    drop(others);
    sleep(millis(1)).await;
    assert_eq!(acme.stats().unwrap().waiting, 1);
    server.close_ms.store(FROZEN, SeqCst);
    let [first, second] = held;
    let closing = tokio::spawn(first.close());
    waits.await.unwrap().unwrap();
    assert!(!closing.is_finished(), "it is not its end that was waited for");
    server.close_ms.store(0, SeqCst);
    drop(second);
    _ = closing.await;
    let stats = acme.stats().unwrap();
    assert_eq!((stats.served, stats.refused, stats.in_use), (3, 1, 0));
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_higher_maximum_serves_those_who_wait_at_once() {
    let (pool, _server) = start_with(3, Tenants::default()).await;
    pool.set_tenant("acme", limits().max(1)).unwrap();
    let acme = pool.tenant("acme");
    let _held = acme.acquire().await.unwrap();
    let begun = Instant::now();
    let waits = tokio::spawn({
        let acme = acme.clone();
        async move { acme.acquire().await.map(drop) }
    });
    sleep(millis(3)).await;
    pool.set_tenant("acme", limits().max(2)).unwrap();
    waits.await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), millis(3));
}

#[tokio::test(start_paused = true)]
async fn a_share_is_there_as_soon_as_connections_come_back() {
    let (pool, _server) = start_with(10, Tenants::default()).await;
    pool.set_tenant("acme", limits().share_percent(40)).unwrap();
    pool.set_tenant("heavy", limits().weight(1_000)).unwrap();
    flood(&pool.tenant("heavy"), 100, millis(10));
    sleep(millis(25)).await;
    flood(&pool.tenant("acme"), 100, millis(10));
    sleep(millis(6)).await;
    let stats = pool.tenant("acme").stats().unwrap();
    assert_eq!((stats.guaranteed, stats.in_use), (4, 4), "{stats:?}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        pool.tenant("acme").stats().unwrap().in_use,
        4,
        "its share, and the weight is small"
    );
}

#[tokio::test(start_paused = true)]
async fn tenants_come_and_go_and_are_forgotten_with_their_statistics() {
    let tenants = Tenants { forget_after: Duration::from_secs(60), ..Default::default() };
    let (pool, _server) = start_with(2, tenants).await;
    let passing = pool.tenant("passing");
    assert!(passing.stats().is_none(), "nobody has asked yet");
    let held = passing.acquire().await.unwrap();
    pool.set_tenant("named", limits().max(1)).unwrap();
    sleep(Duration::from_secs(61)).await;
    pool.maintain().await;
    assert!(passing.stats().is_some(), "it has a connection");
    drop(held);
    pool.maintain().await;
    assert!(passing.stats().is_none());
    assert!(pool.tenant("named").stats().is_some(), "it was named");
    drop(passing.acquire().await.unwrap());
    assert_eq!(passing.stats().unwrap().served, 1, "a new life");

    assert!(pool.remove_tenant("named"));
    assert!(!pool.remove_tenant("named") && !pool.remove_tenant("nobody"));
    assert_eq!(pool.tenant("named").stats().unwrap().max, None);
    sleep(Duration::from_secs(61)).await;
    pool.maintain().await;
    assert_eq!(pool.stats().tenants, []);
}

#[tokio::test(start_paused = true)]
async fn unknown_tenants_are_refused_by_name_where_the_settings_say_so() {
    let named = [(String::from("acme"), limits())].into();
    let (pool, _server) =
        start_with(2, Tenants { named, others: None, ..Default::default() }).await;
    drop(pool.tenant("acme").acquire().await.unwrap());
    drop(pool.acquire().await.unwrap());
    let error = pool.acquire_with(Ask::new().tenant("bolt")).await.unwrap_err();
    assert_eq!(error.to_string(), "the tenant 'bolt' is unknown");
    assert!(matches!(pool.tenant("bolt").try_acquire(), Err(Error::UnknownTenant { .. })));
    pool.set_tenant("bolt", limits()).unwrap();
    drop(pool.tenant("bolt").try_acquire().unwrap());
    assert!(pool.remove_tenant("bolt"));
    assert!(matches!(pool.tenant("bolt").acquire().await, Err(Error::UnknownTenant { .. })));
}

#[tokio::test(start_paused = true)]
async fn limits_that_make_no_sense_are_named() {
    let (pool, _server) = start_with(10, Tenants::default()).await;
    pool.set_tenant("acme", limits().share_percent(60)).unwrap();
    let wrong = |limits| pool.set_tenant("bolt", limits).unwrap_err().to_string();
    for (limits, problem) in [
        (limits().max(0), "tenants.bolt.max: must be at least 1"),
        (limits().weight(0), "tenants.bolt.weight: 0 is not from 1 to 1000"),
        (limits().share_percent(101), "tenants.bolt.share_percent: 101 is more than 100"),
        (
            limits().share_percent(41),
            "tenants.bolt.share_percent: 41 % and the 60 % of others are more than 100 %",
        ),
        (
            limits().share_percent(5),
            "tenants.bolt.share_percent: 5 % of 10 connections are less than one",
        ),
        (
            limits().share_percent(30).max(2),
            "tenants.bolt.max: 2 is less than its share, which is 3",
        ),
    ] {
        assert_eq!(wrong(limits), problem);
    }
    pool.set_tenant("bolt", limits().share_percent(40)).unwrap();
    pool.set_tenant("acme", limits().share_percent(60)).expect("its own share counts once");

    let refused = |tenants: Tenants| async {
        match Pool::start(Fake::default(), Settings { tenants, ..Default::default() }).await {
            Err(StartError::Config(error)) => error.to_string(),
            _ => panic!("it has started"),
        }
    };
    let others = Some(limits().share_percent(10));
    let problem = "tenants.others.share_percent: must be 0: any number of tenants may come";
    assert_eq!(refused(Tenants { others, ..Default::default() }).await, problem);
    let named = [(String::from("acme"), limits().max(0))].into();
    let problem = "tenants.acme.max: must be at least 1";
    assert_eq!(refused(Tenants { named, ..Default::default() }).await, problem);
}

/// Many threads ask in the names of tenants that are forgotten all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tenants_that_are_forgotten_while_others_ask_lose_nothing() {
    let tenants = Tenants {
        forget_after: Duration::ZERO,
        others: Some(limits().max(1)),
        ..Default::default()
    };
    let (pool, server) = start_with(4, tenants).await;
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for turn in 0..2_000 {
                    let tenant = pool.tenant(["a", "b", "c"][(caller + turn) % 3]);
                    let guard = tenant.acquire().await.unwrap();
                    // Its own entry, for it is not forgotten while it has one.
                    assert_eq!(tenant.stats().unwrap().in_use, 1, "more than its maximum");
                    tokio::task::yield_now().await;
                    drop(guard);
                    if turn % 4 == 0 {
                        pool.maintain().await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    pool.maintain().await;
    assert_eq!(pool.stats().tenants, []);
    assert_whole(&pool, &server).await;
}
