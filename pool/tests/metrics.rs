//! What the `metrics` facade is told, by the names and units of OpenTelemetry's conventions, in paused time.
#![cfg(feature = "metrics")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Fake, millis, settings, start};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use pool::{Observe, Pool, Settings};
use tokio::time::sleep;

const PREFIX: &str = "db.client.connection.";

/// What was recorded: by name, without the prefix but with the state if there is one, in order.
struct Recorded(BTreeMap<String, Vec<f64>>);

impl Recorded {
    /// Sees that every metric names its pool, has its unit and is described. What histograms have got is
    /// taken out.
    fn of(snapshotter: &Snapshotter, pool: &str) -> Self {
        let mut recorded = BTreeMap::new();
        for (key, unit, description, value) in snapshotter.snapshot().into_vec() {
            let name = key.key().name().strip_prefix(PREFIX).expect("the prefix").to_owned();
            let labels: BTreeMap<_, _> =
                key.key().labels().map(|label| (label.key(), label.value())).collect();
            assert_eq!(labels["db.client.connection.pool.name"], pool, "{name}");
            let expected = if name.ends_with("_time") { "s" } else { "" };
            assert_eq!(unit.expect("a unit").as_canonical_label(), expected, "{name}");
            assert!(description.expect("a description").ends_with('.'), "{name}");
            let state = labels.get("db.client.connection.state").map(|state| format!(" {state}"));
            let values = match value {
                DebugValue::Counter(count) => vec![f64::from(u32::try_from(count).unwrap())],
                DebugValue::Gauge(value) => vec![value.into_inner()],
                DebugValue::Histogram(times) => {
                    times.iter().map(|time| time.into_inner()).collect()
                }
            };
            recorded.insert(name + &state.unwrap_or_default(), values);
        }
        Self(recorded)
    }

    fn all(&self, name: &str) -> &[f64] {
        self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.0.keys()))
    }
}

/// A pool with this name, and what it tells. The guard keeps the recorder.
async fn watched(
    settings: Settings,
) -> (Pool<Fake>, std::sync::Arc<common::Server>, Snapshotter, impl Drop) {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    let guard = metrics::set_default_local_recorder(recorder);
    let (pool, server) = start(settings).await;
    (pool, server, recorder.snapshotter(), guard)
}

fn named(min: usize, max: usize) -> Settings {
    Settings { name: String::from("orders"), ..settings(min, max) }
}

#[tokio::test(start_paused = true)]
async fn times_are_recorded_as_things_happen_and_in_seconds() {
    let (pool, server, snapshotter, _guard) = watched(named(0, 1)).await;
    server.connect_ms.store(250, std::sync::atomic::Ordering::SeqCst);
    let first = pool.acquire().await.unwrap();
    let late = pool.acquire_timeout(millis(500)).await;
    assert!(late.is_err());
    let second = {
        let pool = pool.clone();
        tokio::spawn(async move { drop(pool.acquire().await.unwrap()) })
    };
    sleep(millis(500)).await;
    drop(first);
    second.await.unwrap();
    drop(pool.try_acquire().unwrap());

    let recorded = Recorded::of(&snapshotter, "orders");
    assert_eq!(recorded.all("create_time"), [0.25]);
    assert_eq!(recorded.all("wait_time"), [0.25, 0.5, 0.0]);
    assert_eq!(recorded.all("use_time"), [1.0, 0.0, 0.0]);
    assert_eq!(recorded.all("timeouts"), [1.0]);
    let stats = pool.stats();
    assert_eq!((stats.wait.count, stats.used.count, stats.timeouts), (3, 3, 1));
}

/// However a use ends, it is measured, and as often as the statistics say.
#[tokio::test(start_paused = true)]
async fn every_way_to_give_a_connection_back_is_measured() {
    let (pool, server, snapshotter, _guard) = watched(named(1, 1)).await;
    for way in 0..7 {
        let mut guard = pool.acquire().await.unwrap();
        sleep(millis(100)).await;
        match way {
            0 => drop(guard),
            1 => guard.release().await.unwrap(),
            2 => guard.close().await.unwrap(),
            3 => drop(guard.detach()),
            4 => {
                guard.condition = pool::Condition::Spent;
                drop(guard);
            }
            5 => {
                guard.condition = pool::Condition::Dirty;
                guard.release().await.unwrap();
            }
            _ => {
                server.cleaning_fails.store(true, std::sync::atomic::Ordering::SeqCst);
                guard.condition = pool::Condition::Dirty;
                guard.release().await.unwrap_err();
            }
        }
        let recorded = Recorded::of(&snapshotter, "orders");
        assert_eq!(recorded.all("use_time"), [0.1], "way {way}");
    }
    assert_eq!(pool.stats().used.count, 7);
}

/// Gauges as Prometheus shows them: the debugging recorder sets them to zero when it is read.
struct Shown(PrometheusHandle);

impl Shown {
    /// The guard keeps the recorder.
    fn start() -> (Self, impl Drop) {
        let recorder: &'static _ = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        (Self(recorder.handle()), metrics::set_default_local_recorder(recorder))
    }

    fn gauge(&self, line: &str) -> Option<usize> {
        let text = self.0.render();
        text.lines().find_map(|shown| shown.strip_prefix(line)?.trim().parse().ok())
    }

    /// Idle, used and waiting.
    fn moving(&self) -> [Option<usize>; 3] {
        let pool = r#"db_client_connection_pool_name="orders""#;
        let count = format!("db_client_connection_count{{{pool},db_client_connection_state=");
        [
            self.gauge(&format!("{count}\"idle\"}}")),
            self.gauge(&format!("{count}\"used\"}}")),
            self.gauge(&format!("db_client_connection_pending_requests{{{pool}}}")),
        ]
    }

    /// The maximum, of all and of the idle, and the minimum.
    fn limits(&self) -> [Option<usize>; 3] {
        ["max", "idle_max", "idle_min"].map(|name| {
            let pool = r#"{db_client_connection_pool_name="orders"}"#;
            self.gauge(&format!("db_client_connection_{name}{pool}"))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn gauges_are_set_every_second_and_when_asked_and_are_zero_in_the_end() {
    let (shown, _guard) = Shown::start();
    let (pool, _server) = start(named(2, 3)).await;
    tokio::task::yield_now().await;
    assert_eq!(shown.moving(), [2, 0, 0].map(Some));

    let held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    let third = pool.acquire().await.unwrap();
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { drop(pool.acquire().await.unwrap()) }
    });
    sleep(millis(500)).await;
    assert_eq!(shown.moving(), [2, 0, 0].map(Some), "too early");
    sleep(millis(600)).await;
    assert_eq!(shown.moving(), [0, 3, 1].map(Some));
    assert_eq!(shown.limits(), [3, 3, 2].map(Some));

    drop((held, third));
    waits.await.unwrap();
    pool.record_gauges();
    assert_eq!(shown.moving(), [3, 0, 0].map(Some));

    pool.close(millis(100)).await.unwrap();
    assert_eq!((shown.moving(), shown.limits()), ([0, 0, 0].map(Some), [3, 3, 2].map(Some)));
    drop(pool);
    tokio::task::yield_now().await;
    assert_eq!(shown.limits(), [0, 0, 0].map(Some), "a pool that is gone");
}

#[tokio::test(start_paused = true)]
async fn what_is_being_checked_counts_as_used() {
    let (shown, _guard) = Shown::start();
    let (pool, server) = start(Settings { check_after: Duration::ZERO, ..named(1, 1) }).await;
    server.check_ms.store(100, std::sync::atomic::Ordering::SeqCst);
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { drop(pool.acquire().await.unwrap()) }
    });
    sleep(millis(50)).await;
    assert_eq!(pool.stats().checking, 1);
    pool.record_gauges();
    assert_eq!(shown.moving(), [0, 1, 1].map(Some));
    waits.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn gauges_are_set_only_when_asked_if_that_is_wanted() {
    let (shown, _guard) = Shown::start();
    let observe = Observe { gauges_every: None, ..Default::default() };
    let (pool, _server) = start(Settings { observe, ..named(2, 3) }).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(shown.moving(), [0, 0, 0].map(Some));
    pool.record_gauges();
    assert_eq!(shown.moving(), [2, 0, 0].map(Some));
}

/// The fallback of the conventions: `server.address:server.port/db.namespace`.
#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_pool_without_a_name_is_called_by_what_it_connects_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db").display().to_string();
    let recorder: &'static DebuggingRecorder = Box::leak(Box::new(DebuggingRecorder::new()));
    let _guard = metrics::set_default_local_recorder(recorder);
    let config = pool::Config::<sqlx::Sqlite>::new(&format!("sqlite://{file}?mode=rwc")).unwrap();
    let manager = pool::ConnectionManager::connect(config.min(1)).await.unwrap();
    let recorded = Recorded::of(&recorder.snapshotter(), &file);
    assert_eq!((recorded.all("create_time").len(), manager.stats().name), (1, file));
}
