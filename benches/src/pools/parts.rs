//! What each part of the pool costs one who has switched it on, and one who has not.
//!
//! A part is a line in [`all`]: its name, how a pool is made with it, and how a connection is asked for. Each
//! figure is measured in a process of its own, so a part may install what holds for the whole process.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pool::{Adaptive, Ask, Breaker, Connector, Leaks, Observe, Pool, Priority, Settings};

use super::fake::Fake;
use super::questions::crowd::{Served, throughput};

/// What is asked about a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nanoseconds for borrowing and giving back one of ten idle connections, over so many calls.
    Uncontended(u32),
    /// Thousands of calls a second, by 500 tasks over ten connections that yield once while they hold one.
    Crowd(Duration),
    /// Nanoseconds a call, by 500 tasks of one thread that make so many calls together, as those of the crowd:
    /// the same each time, so that its instructions can be counted.
    Tasks(u32),
}

/// A part, switched on.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The row's name.
    pub name: &'static str,
    /// Answers a question. To be called once in a process, inside a runtime.
    pub measure: fn(Question) -> Pin<Box<dyn Future<Output = f64>>>,
}

/// `part!(name, pool, ask)`: a future of a pool of ten connections, and an [`Ask`] made for each call.
macro_rules! part {
    ($name:literal, $pool:expr, $ask:expr) => {
        Part {
            name: $name,
            measure: |question| {
                Box::pin(async move { measure(&$pool.await, || $ask, question).await })
            },
        }
    };
}

/// All parts, the first with all of them off. What is new gets a line here.
#[must_use]
pub fn all() -> Vec<Part> {
    vec![
        part!("off", fake(|_| {}), Ask::new()),
        part!("a time limit", fake(|_| {}), Ask::new().within(Duration::from_secs(5))),
        part!("a priority", fake(|_| {}), Ask::new().priority(Priority::High)),
        part!("checked each time", fake(|all| all.check_after = Duration::ZERO), Ask::new()),
        part!("spans, nobody listens", fake(|all| all.observe = spans()), Ask::new()),
        part!("spans, written", fake(listened_to(|all| all.observe = spans(), "info")), Ask::new()),
        part!("events, written", fake(listened_to(|_| {}, "debug")), Ask::new()),
        part!("a tag", fake(|_| {}), Ask::new().tag("checkout")),
        part!("a tenant", fake(|_| {}), Ask::new().tenant("acme")),
        part!("leaks", fake(|all| all.leaks = Some(Leaks::default())), Ask::new()),
        #[cfg(feature = "rate-limit")]
        part!("a rate limit", fake(|all| all.rate_limits = vec![generous()]), Ask::new()),
        part!("breaker", fake(|all| all.breaker = Some(Breaker::default())), Ask::new()),
        part!("degradation", fake(|all| all.degradation.refuse_hopeless = true), Ask::new()),
        part!("adaptive", fake(|all| all.adaptive = Some(Adaptive::default())), Ask::new()),
        part!("checked on release", fake(|all| all.health.on_release = true), Ask::new()),
        #[cfg(feature = "metrics")]
        part!("metrics", fake(recorded), Ask::new()),
    ]
}

/// A pool of ten connections over the server that is not there, with these settings changed.
async fn fake(change: impl FnOnce(&mut Settings)) -> Pool<Fake> {
    let mut settings = Settings { min: 10, max: 10, ..Settings::default() };
    change(&mut settings);
    Pool::start(Fake::default(), settings).await.expect("the settings make sense")
}

/// More than anybody can use.
#[cfg(feature = "rate-limit")]
fn generous() -> pool::RateLimit {
    pool::RateLimit {
        of: pool::Limited::Pool,
        permits: 1_000_000_000,
        per: Duration::from_secs(1),
        burst: None,
        when_over: pool::WhenOver::default(),
    }
}

fn spans() -> Observe {
    Observe { spans: true, ..Observe::default() }
}

/// Writes what the pool tells, from this level on, as text to nowhere.
fn listened_to(
    change: impl FnOnce(&mut Settings),
    level: &'static str,
) -> impl FnOnce(&mut Settings) {
    move |settings| {
        let level = level.parse::<tracing::Level>().expect("a level");
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::sink).init();
        change(settings);
    }
}

/// Records metrics as for Prometheus.
#[cfg(feature = "metrics")]
fn recorded(_: &mut Settings) {
    let buckets = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0];
    let builder = metrics_exporter_prometheus::PrometheusBuilder::new().set_buckets(&buckets);
    let recorder = builder.expect("there are buckets").build_recorder();
    metrics::set_global_recorder(recorder).expect("the first of this process");
}

async fn measure<C: Connector>(
    pool: &Pool<C>,
    ask: impl Fn() -> Ask + Copy + Send + 'static,
    question: Question,
) -> f64 {
    match question {
        Question::Uncontended(calls) => {
            let begun = Instant::now();
            for _ in 0..calls {
                drop(pool.acquire_with(ask()).await.expect("one is idle"));
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
        }
        Question::Crowd(time) => {
            let task = |is_over| borrow(pool.clone(), ask, is_over);
            throughput(time, 500, task).await[0]
        }
        Question::Tasks(calls) => {
            let begun = Instant::now();
            let tasks = (0..500).map(|_| tokio::spawn(take_turns(pool.clone(), ask, calls / 500)));
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("no task panics");
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
        }
    }
}

async fn take_turns<C: Connector>(pool: Pool<C>, ask: impl Fn() -> Ask, calls: u32) {
    for _ in 0..calls {
        let guard = pool.acquire_with(ask()).await.expect("the time-out is far away");
        tokio::task::yield_now().await;
        drop(guard);
    }
}

async fn borrow<C: Connector>(
    pool: Pool<C>,
    ask: impl Fn() -> Ask,
    is_over: Arc<AtomicBool>,
) -> Served {
    let mut served = Served::default();
    while !is_over.load(Relaxed) {
        let guard = pool.acquire_with(ask()).await.expect("the time-out is far away");
        served.calls += 1;
        tokio::task::yield_now().await;
        drop(guard);
    }
    served
}
