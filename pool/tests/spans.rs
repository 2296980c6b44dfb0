//! The spans around acquiring and holding, as a subscriber sees them.

mod common;

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use common::{millis, settings, start};
use pool::{Ask, Observe, Priority, Settings};
use tokio::time::{Instant, sleep};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span: its name, its parent's, its fields, and how long it was there.
#[derive(Clone, Debug)]
struct Seen {
    name: &'static str,
    parent: Option<&'static str>,
    fields: BTreeMap<&'static str, String>,
    begun: Instant,
    lasted: Option<std::time::Duration>,
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(Id, Seen)>>>);

impl Recorder {
    fn change(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let mut all = self.0.lock().unwrap();
        if let Some((_, seen)) = all.iter_mut().rev().find(|(other, _)| other == id) {
            change(seen);
        }
    }

    fn of(&self, name: &str) -> Vec<Seen> {
        let all = self.0.lock().unwrap();
        all.iter().map(|(_, seen)| seen.clone()).filter(|seen| seen.name == name).collect()
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0.entry(field.name()).or_default(), "{value:?}").unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let mut seen = Seen {
            name: span.name(),
            parent: span.parent().map(|parent| parent.name()),
            fields: BTreeMap::new(),
            begun: Instant::now(),
            lasted: None,
        };
        attributes.record(&mut Fields(&mut seen.fields));
        self.0.lock().unwrap().push((id.clone(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.change(id, |seen| values.record(&mut Fields(&mut seen.fields)));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |seen| seen.lasted = Some(seen.begun.elapsed()));
    }
}

fn listen() -> (Recorder, tracing::subscriber::DefaultGuard) {
    let recorder = Recorder::default();
    let subscriber = tracing_subscriber::registry().with(recorder.clone());
    (recorder, tracing::subscriber::set_default(subscriber))
}

fn with_spans() -> Settings {
    let observe = Observe { spans: true, ..Default::default() };
    Settings { name: String::from("orders"), observe, ..settings(1, 1) }
}

const ACQUIRE: &str = "db.client.connection.acquire";
const USE: &str = "db.client.connection.use";

#[tokio::test(start_paused = true)]
async fn acquiring_and_holding_have_a_span_each() {
    let (recorder, _guard) = listen();
    let (pool, _server) = start(with_spans()).await;
    let held = pool.acquire().await.unwrap();
    let id = held.id().to_string();
    let waits = tokio::spawn({
        let pool = pool.clone();
        let (request, ask) = (tracing::info_span!("request"), Ask::from(Priority::High));
        async move {
            let guard = pool.acquire_with(ask.tenant("acme")).await.unwrap();
            guard.span().in_scope(|| drop(tracing::info_span!("query")));
            sleep(millis(30)).await;
        }
        .instrument(request)
    });
    sleep(millis(20)).await;
    drop(held);
    waits.await.unwrap();

    let acquired = recorder.of(ACQUIRE);
    let lasted: Vec<_> = acquired.iter().map(|seen| seen.lasted.unwrap()).collect();
    assert_eq!(lasted, [millis(0), millis(20)]);
    let fields = &acquired[1].fields;
    assert_eq!(
        fields.keys().copied().collect::<Vec<_>>(),
        ["by", "id", "pool", "priority", "tenant"]
    );
    let shown = ["pool", "id", "priority", "tenant"].map(|name| fields[name].as_str());
    assert_eq!(shown, ["orders", id.as_str(), "High", "acme"]);
    assert!(fields["by"].contains("tests/spans.rs:"), "{fields:?}");

    let used = recorder.of(USE);
    let lasted: Vec<_> = used.iter().map(|seen| seen.lasted.unwrap()).collect();
    assert_eq!(lasted, [millis(20), millis(30)]);
    let fields = &used[1].fields;
    assert_eq!(fields.keys().copied().collect::<Vec<_>>(), ["by", "id", "pool"]);
    assert_eq!([&fields["pool"], &fields["id"]], ["orders", id.as_str()]);
    // Both are the caller's, and what is done inside the span of holding is its child.
    assert_eq!([acquired[1].parent, used[1].parent], [Some("request"); 2]);
    assert_eq!(recorder.of("query")[0].parent, Some(USE));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_recorded_and_one_who_gives_up_ends_the_span() {
    let (recorder, _guard) = listen();
    let (pool, _server) = start(with_spans()).await;
    let held = pool.try_acquire().unwrap();
    let error = pool.acquire_timeout(millis(10)).await.unwrap_err();
    tokio::time::timeout(millis(5), pool.acquire()).await.unwrap_err();
    let acquired = recorder.of(ACQUIRE);
    let lasted: Vec<_> = acquired.iter().map(|seen| seen.lasted.unwrap()).collect();
    assert_eq!(lasted, [millis(10), millis(5)]);
    assert_eq!(acquired[0].fields["error"], error.to_string());
    assert!(!acquired[1].fields.contains_key("error"), "{acquired:?}");
    assert_eq!(pool.stats().given_up, 1);

    assert!(recorder.of(USE)[0].lasted.is_none(), "it is still held");
    held.close().await.unwrap();
    assert!(recorder.of(USE)[0].lasted.is_some(), "it is over");
}

/// However a connection is given back, its span ends.
#[tokio::test(start_paused = true)]
async fn the_span_of_holding_ends_with_the_guard() {
    let (recorder, _guard) = listen();
    let (pool, _server) = start(with_spans()).await;
    drop(pool.acquire().await.unwrap());
    pool.acquire().await.unwrap().release().await.unwrap();
    let connection = pool.acquire().await.unwrap().detach();
    let lasted: Vec<_> = recorder.of(USE).iter().map(|seen| seen.lasted).collect();
    assert_eq!(lasted, [Some(millis(0)); 3]);
    drop(connection);
}

#[tokio::test(start_paused = true)]
async fn there_are_none_unless_they_are_asked_for() {
    let (recorder, _guard) = listen();
    let (pool, _server) = start(settings(1, 1)).await;
    let guard = pool.acquire().await.unwrap();
    assert!(guard.span().is_disabled());
    drop(guard);
    assert!(recorder.of(ACQUIRE).is_empty() && recorder.of(USE).is_empty());
}
