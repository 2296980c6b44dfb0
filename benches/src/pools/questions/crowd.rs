//! More tasks than connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use super::{Env, Here};
use crate::number::float;
use crate::pools::fake::{Fake, Server};
use crate::pools::subject::{Shape, Subject, warm};

/// What a task did.
#[derive(Clone, Copy, Default)]
pub(crate) struct Served {
    pub(crate) calls: u32,
    pub(crate) longest: Duration,
}

/// 500 tasks over ten, which yield once while they hold one.
pub(super) async fn yielding<S: Subject<Fake>>(env: &Env, _: Here<S>) -> Vec<f64> {
    crowd::<S>(env, 500, Duration::ZERO).await
}

/// 50 tasks over ten, which hold one for a millisecond.
pub(super) async fn sleeping<S: Subject<Fake>>(env: &Env, _: Here<S>) -> Vec<f64> {
    crowd::<S>(env, 50, Duration::from_millis(1)).await
}

/// Thousands of calls a second, Jain's index of how they are shared, and the longest wait in milliseconds.
async fn crowd<S: Subject<Fake>>(env: &Env, tasks: usize, hold: Duration) -> Vec<f64> {
    let pool: S = warm(Fake::default(), Shape::of(10)).await;
    throughput(env.time, tasks, |is_over| borrow(pool.clone(), hold, is_over)).await
}

/// The same, by tasks that go on until they are told that it is over.
pub(crate) async fn throughput<F: Future<Output = Served> + Send + 'static>(
    time: Duration,
    tasks: usize,
    task: impl Fn(Arc<AtomicBool>) -> F,
) -> Vec<f64> {
    let is_over = Arc::new(AtomicBool::new(false));
    // All begin together: the first to be spawned would have the pool to itself for a while.
    let start = Arc::new(Barrier::new(tasks + 1));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| tokio::spawn(after(Arc::clone(&start), task(Arc::clone(&is_over)))))
        .collect();
    start.wait().await;
    let begun = Instant::now();
    tokio::time::sleep(time).await;
    is_over.store(true, Relaxed);
    let took = begun.elapsed();
    let Some(served) = ends(tasks).await else { return vec![f64::NAN; 3] };
    let calls: Vec<f64> = served.iter().map(|served| f64::from(served.calls)).collect();
    let (sum, squares) = (calls.iter().sum::<f64>(), calls.iter().map(|n| n * n).sum::<f64>());
    let longest = served.iter().map(|served| served.longest).max().unwrap_or_default();
    let jain = sum * sum / (float(calls.len()) * squares);
    vec![sum / took.as_secs_f64() / 1e3, jain, longest.as_secs_f64() * 1e3]
}

/// Does it when all are there.
async fn after<T>(start: Arc<Barrier>, work: impl Future<Output = T>) -> T {
    start.wait().await;
    work.await
}

/// Borrows again and again. Every eighth wait is timed, since a clock is not free.
async fn borrow<S: Subject<Fake>>(pool: S, hold: Duration, is_over: Arc<AtomicBool>) -> Served {
    let mut served = Served::default();
    while !is_over.load(Relaxed) {
        let begun = (served.calls % 8 == 0).then(Instant::now);
        let guard = pool.acquire().await.expect("the time-out is far away");
        served.longest = served.longest.max(begun.map_or(Duration::ZERO, |begun| begun.elapsed()));
        served.calls += 1;
        match hold {
            Duration::ZERO => tokio::task::yield_now().await,
            hold => tokio::time::sleep(hold).await,
        }
        drop(guard);
    }
    served
}

/// What the tasks did; `None` if some never end.
async fn ends(tasks: Vec<JoinHandle<Served>>) -> Option<Vec<Served>> {
    let mut served = Vec::new();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
    for task in tasks {
        served.push(tokio::time::timeout_at(deadline, task).await.ok()?.expect("no task panics"));
    }
    Some(served)
}

/// The original's case, with all connections open: 50 over 20, each held for 10 ms.
pub(super) async fn fifty_warm<S: Subject<Fake>>(_: &Env, _: Here<S>) -> Vec<f64> {
    fifty(warm::<Fake, S>(Fake::default(), Shape::of(20)).await).await
}

/// The same with none open, and 5 ms to open one. How long it took, and how many were opened.
pub(super) async fn fifty_cold<S: Subject<Fake>>(_: &Env, _: Here<S>) -> Vec<f64> {
    let server = Arc::new(Server::default());
    server.connect_ms.store(5, Relaxed);
    let mut figures = fifty(S::start(Fake(Arc::clone(&server)), Shape::of(20)).await).await;
    figures.push(f64::from(u32::try_from(server.opened.load(Relaxed)).expect("few")));
    figures
}

async fn fifty<S: Subject<Fake>>(pool: S) -> Vec<f64> {
    let begun = Instant::now();
    let hold = |pool: S| async move {
        let guard = pool.acquire().await.expect("the time-out is far away");
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(guard);
        Served::default()
    };
    let tasks = (0..50).map(|_| tokio::spawn(hold(pool.clone()))).collect();
    match ends(tasks).await {
        Some(_) => vec![begun.elapsed().as_secs_f64() * 1e3],
        None => vec![f64::NAN],
    }
}
