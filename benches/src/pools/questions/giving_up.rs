//! Callers that give up, and a server that never answers.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::{Env, Here};
use crate::pools::fake::{Fake, Server};
use crate::pools::subject::{Shape, Subject, warm};

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).expect("few"))
}

/// A hundred callers, one after the other, that wait for a millisecond.
async fn impatient<S: Subject<Fake>>(pool: &S) {
    for _ in 0..100 {
        drop(timeout(Duration::from_millis(1), pool.acquire()).await);
    }
    sleep(Duration::from_millis(60)).await;
}

/// Opening takes 20 ms, callers wait for one: how many attempts brought nothing.
pub(super) async fn while_connecting<S: Subject<Fake>>(_: &Env, _: Here<S>) -> Vec<f64> {
    let server = Arc::new(Server::default());
    server.connect_ms.store(20, Relaxed);
    let pool = S::start(Fake(Arc::clone(&server)), Shape::of(20)).await;
    impatient(&pool).await;
    vec![number(server.attempts.load(Relaxed) - server.opened.load(Relaxed))]
}

/// A check takes 20 ms, callers wait for one: how many connections were closed for that.
pub(super) async fn while_checking<S: Subject<Fake>>(_: &Env, _: Here<S>) -> Vec<f64> {
    let server = Arc::new(Server::default());
    let pool: S = warm(Fake(Arc::clone(&server)), Shape { check: true, ..Shape::of(20) }).await;
    server.check_ms.store(20, Relaxed);
    impatient(&pool).await;
    vec![number(server.closed.load(Relaxed))]
}

/// A check never ends, and the pool is told to wait for 100 ms: how long the slowest of eight calls took.
pub(super) async fn while_frozen<S: Subject<Fake>>(_: &Env, _: Here<S>) -> Vec<f64> {
    let server = Arc::new(Server::default());
    let shape = Shape { check: true, limit: Duration::from_millis(100), ..Shape::of(4) };
    let pool: S = warm(Fake(Arc::clone(&server)), shape).await;
    server.check_ms.store(1_000_000, Relaxed);
    let begun = Instant::now();
    let call =
        |pool: S| async move { timeout(Duration::from_secs(1), pool.acquire()).await.is_ok() };
    let calls: Vec<_> = (0..8).map(|_| tokio::spawn(call(pool.clone()))).collect();
    let mut all_end = true;
    for call in calls {
        all_end &= call.await.expect("no task panics");
    }
    vec![if all_end { begun.elapsed().as_secs_f64() * 1e3 } else { f64::NAN }]
}
