//! The events of a connection's life: each step has one, with the pool's name, its counts, and the id and the
//! reason where there is one.

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Server, millis, settings, start};
use pool::{Condition, ConnectionId, Settings};
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// An event: its level, what it says, and its fields as texts.
#[derive(Clone, Debug)]
struct Told {
    level: Level,
    what: String,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.what = format!("{value:?}"),
            name => drop(self.fields.insert(name, format!("{value:?}"))),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), String::from(value));
    }
}

/// Keeps the events of pools, and listens as long as it lives to those of this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target() == "pool" {
            let fields = BTreeMap::new();
            let mut told = Told { level: *metadata.level(), what: String::new(), fields };
            event.record(&mut told);
            self.0.lock().unwrap().push(told);
        }
    }
}

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    /// What was told since this was asked last.
    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// What was told since this was asked last, and why.
    fn steps(&self) -> Vec<String> {
        let step = |told: Told| match told.fields.get("reason") {
            Some(reason) => format!("{}: {reason}", told.what),
            None => told.what,
        };
        self.take().into_iter().map(step).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_of_a_connections_life_is_told_with_its_reason() {
    let log = Log::default();
    let _listening = log.listen();
    let (pool, server) = start(settings(1, 1)).await;
    assert_eq!(log.steps(), ["connection opened"]);
    let mut guard = pool.acquire().await.unwrap();
    pool.acquire_timeout(millis(5)).await.unwrap_err();
    guard.condition = Condition::Dirty;
    guard.release().await.unwrap();
    let steps = log.steps();
    let [acquired, waits, late, cleaned, released] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((&acquired[..], &waits[..]), ("connection acquired", "waiting for a connection"));
    assert!(late.starts_with("no connection in time: all 1 are in use"), "{late}");
    assert_eq!((&cleaned[..], &released[..]), ("connection cleaned", "connection released"));

    sleep(Duration::from_secs(1)).await;
    drop(pool.acquire().await.unwrap());
    let checked = ["waiting for a connection", "connection checked", "connection acquired"];
    assert_eq!(log.steps(), [&checked[..], &["connection released"]].concat());

    server.kill_all();
    sleep(Duration::from_secs(1)).await;
    drop(pool.acquire().await.unwrap());
    let dead = [
        "waiting for a connection",
        "health check failed: the fake server says no",
        "connection dropped: unhealthy",
        "connection opened",
        "connection acquired",
        "connection released",
    ];
    assert_eq!(log.steps(), dead);
    // What was opened at the same moment counts as suspect, too.
    sleep(millis(1)).await;

    pool.reset().await.unwrap();
    assert_eq!(log.steps(), ["reset", "connection closed: reset", "connection opened"]);
    pool.expire_now().await;
    sleep(millis(1)).await;
    let expired =
        ["all connections expire now", "connection closed: expired_now", "connection opened"];
    assert_eq!(log.steps(), expired);
    pool.acquire().await.unwrap().close().await.unwrap();
    sleep(millis(1)).await;
    let closed = ["connection acquired", "connection closed: requested", "connection opened"];
    assert_eq!(log.steps(), closed);
    drop(pool.acquire().await.unwrap().detach());
    sleep(millis(1)).await;
    let detached = ["connection acquired", "connection detached: detached", "connection opened"];
    assert_eq!(log.steps(), detached);

    server.cleaning_fails.store(true, SeqCst);
    let mut guard = pool.acquire().await.unwrap();
    guard.condition = Condition::Dirty;
    server.is_down.store(true, SeqCst);
    guard.release().await.unwrap_err();
    sleep(millis(1)).await;
    let unclean = [
        "connection acquired",
        "connection cannot be cleaned: the fake server says no",
        "connection dropped: unclean",
        "cannot connect: the fake server says no",
    ];
    assert_eq!(log.steps(), unclean);
    server.is_down.store(false, SeqCst);
    assert_eq!(pool.renew().await.unwrap(), 1);
    assert_eq!(log.steps(), ["connection opened", "filled up to the maximum"]);
    pool.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(log.steps(), ["closing", "connection closed: shutdown", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn each_event_has_the_pools_name_and_counts_and_the_connections_id() {
    let log = Log::default();
    let _listening = log.listen();
    let settings = Settings { name: String::from("orders"), ..settings(2, 3) };
    let (pool, server) = start(settings).await;
    let held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    drop((held, pool.acquire().await.unwrap()));
    pool.close(Duration::from_secs(1)).await.unwrap();
    let told = log.take();
    let mut opened = Vec::new();
    for event in &told {
        let field = |name| event.fields.get(name).unwrap_or_else(|| panic!("no {name}: {event:?}"));
        assert_eq!((&field("pool")[..], &field("max")[..]), ("orders", "3"));
        assert!(field("open").parse::<usize>().unwrap() <= 3, "{event:?}");
        if event.what.starts_with("connection ") {
            let id: ConnectionId = field("id").parse().expect("as ids are written");
            match &event.what[..] {
                "connection opened" => opened.push(id),
                _ => assert!(opened.contains(&id), "unheard of: {event:?}"),
            }
        }
        let is_quiet = ["connection acquired", "connection released", "waiting for a connection"];
        let expected = if is_quiet.contains(&&event.what[..]) { Level::DEBUG } else { Level::INFO };
        assert_eq!(event.level, expected, "{event:?}");
    }
    assert!(opened.is_sorted() && opened.len() == 3, "{opened:?}");
    assert_eq!(told.iter().filter(|event| event.what == "connection closed").count(), 3);
    assert_eq!(Server::count(&server.open), 0);
}

#[tokio::test(start_paused = true)]
async fn the_first_connections_are_opened_beside_each_other() {
    // Whether anybody listens to an event is remembered for the process, where the tests beside it do.
    let _listening = Log::default().listen();
    let fake = common::Fake::default();
    fake.0.connect_ms.store(5, SeqCst);
    let begun = tokio::time::Instant::now();
    let pool = pool::Pool::start(fake.clone(), settings(10, 20)).await.unwrap();
    assert_eq!((begun.elapsed(), pool.stats().idle), (millis(5), 10));
    assert_eq!(Server::count(&fake.0.most_attempting), 10);
}
