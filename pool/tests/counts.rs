//! What is counted about callers who leave, and about the hooks of connecting.

mod common;

use std::time::Duration;

use common::{millis, settings, start};
use pool::Ask;

#[tokio::test(start_paused = true)]
async fn one_who_stops_waiting_is_counted_for_its_tenant_and_its_tag() {
    let (pool, _server) = start(settings(1, 1)).await;
    let held = pool.acquire().await.unwrap();
    for ask in [Ask::new().tenant("acme").tag("report"), Ask::new().tenant("bolt"), Ask::new()] {
        let left = tokio::time::timeout(millis(5), pool.acquire_with(ask)).await;
        assert!(left.is_err(), "nobody gives one back");
    }
    let late = pool.acquire_with(Ask::new().tenant("acme").tag("report").within(millis(5))).await;
    assert!(late.is_err());
    let stats = pool.stats();
    let of_tenants: Vec<_> = stats
        .tenants
        .iter()
        .map(|tenant| (tenant.name.as_str(), tenant.given_up, tenant.refused, tenant.waiting))
        .collect();
    assert_eq!(of_tenants, [("acme", 1, 1, 0), ("bolt", 1, 0, 0)]);
    let [tag] = &stats.tags[..] else { panic!("{stats:?}") };
    assert_eq!((tag.given_up, tag.refused, tag.waiting), (1, 1, 0));
    assert_eq!(stats.given_up, 3);
    drop(held);
}

/// It is served, and does not wait any more, whatever becomes of its future.
#[tokio::test(start_paused = true)]
async fn one_that_was_served_does_not_wait_while_its_future_is_kept() {
    let (pool, _server) = start(settings(1, 1)).await;
    let held = pool.acquire().await.unwrap();
    let mut waits = Box::pin(pool.acquire_with(Ask::new().tag("report")));
    assert!(tokio::time::timeout(millis(5), &mut waits).await.is_err());
    assert_eq!(pool.stats().tags[0].waiting, 1);
    drop(held);
    let guard = waits.as_mut().await.unwrap();
    assert_eq!((pool.stats().tags[0].waiting, pool.stats().tags[0].in_use), (0, 1));
    drop(waits);
    drop(guard);
    let tag = &pool.stats().tags[0];
    assert_eq!((tag.waiting, tag.in_use, tag.given_up, tag.used.count), (0, 0, 0, 1));
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_hooks_of_connecting_are_counted() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use pool::{Config, ConnectionManager, HookCounts};
    use sqlx::sqlite::SqliteConnectOptions;

    let counts = |counts: HookCounts| (counts.runs, counts.refused, counts.failed);
    let asked = Arc::new(AtomicUsize::new(0));
    let config = Config::<sqlx::Sqlite>::new("sqlite::memory:").unwrap().min(2).max(4);
    let config = config.before_connect(move || {
        let nth = asked.fetch_add(1, SeqCst);
        Box::pin(async move {
            if nth == 2 {
                // Longer than it may take.
                tokio::time::sleep(Duration::from_secs(3_600)).await;
            }
            Ok(SqliteConnectOptions::new().in_memory(true))
        })
    });
    let config = config
        .on_connect_sql(["PRAGMA cache_size = -8000"])
        .after_connect(|_| Box::pin(async { Ok(()) }))
        .set(|settings| settings.hooks.before_connect = millis(50));
    let manager = ConnectionManager::connect(config).await.unwrap();
    let hooks = manager.stats().hooks;
    assert_eq!((counts(hooks.before_connect), counts(hooks.after_connect)), ((2, 0, 0), (4, 0, 0)));
    assert!(manager.warm_up(3).await.is_err());
    let hooks = manager.stats().hooks;
    assert_eq!((counts(hooks.before_connect), counts(hooks.after_connect)), ((3, 0, 1), (4, 0, 0)));
    assert_eq!(counts(hooks.before_acquire), (0, 0, 0));
}

/// Through sqlx's trait, too, as long as no function of sqlx stands between.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_holder_is_the_place_that_acquires() {
    use pool::{Config, ConnectionManager};
    use sqlx::Acquire;

    let config = Config::<sqlx::Sqlite>::new("sqlite::memory:").unwrap().min(1).max(1);
    let manager = ConnectionManager::connect(config).await.unwrap();
    let (guard, line) = (Acquire::acquire(&manager).await.unwrap(), line!());
    let by = manager.stats().connections[0].holder.as_ref().unwrap().by.clone();
    assert!(by.starts_with(&format!("pool/tests/counts.rs:{line}:")), "{by}");
    drop(guard);
}
