//! `SELECT 1` on PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use sqlx::PgConnection;

use super::{Env, Here};
use crate::pools::subject::{Backend, Shape, Subject, warm};
use crate::pools::subjects::Postgres;

async fn select_one(connection: &mut PgConnection) {
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(connection).await.expect("it answers");
    assert_eq!(one, 1);
}

fn server(env: &Env) -> Postgres {
    Postgres { options: env.postgres.clone().expect("asked only where there is a server") }
}

/// So many tasks over a pool of 20, each of which borrows for every query. Thousands of queries a second.
pub(super) async fn pooled<S: Subject<Postgres>>(
    env: &Env,
    _: Here<S>,
    tasks: usize,
    check: bool,
) -> Vec<f64> {
    let pool: S = warm(server(env), Shape { check, ..Shape::of(20) }).await;
    let query = |pool: S, is_over: Arc<AtomicBool>| async move {
        let mut calls = 0_u32;
        while !is_over.load(Relaxed) {
            let mut connection = pool.acquire().await.expect("the time-out is far away");
            select_one(&mut connection).await;
            calls += 1;
        }
        calls
    };
    let figures = throughput(env, tasks, |is_over| query(pool.clone(), is_over)).await;
    pool.end().await;
    figures
}

/// The same without a pool: a connection for each task.
pub(super) async fn bare(env: &Env, tasks: usize) -> Vec<f64> {
    let mut connections = Vec::new();
    for _ in 0..tasks {
        connections.push(server(env).connect().await.expect("the server is up"));
    }
    let query = |mut connection: PgConnection, is_over: Arc<AtomicBool>| async move {
        let mut calls = 0_u32;
        while !is_over.load(Relaxed) {
            select_one(&mut connection).await;
            calls += 1;
        }
        calls
    };
    let take = |is_over| query(connections.pop().expect("one for each task"), is_over);
    throughput(env, tasks, take).await
}

async fn throughput<F: Future<Output = u32> + Send + 'static>(
    env: &Env,
    tasks: usize,
    mut task: impl FnMut(Arc<AtomicBool>) -> F,
) -> Vec<f64> {
    let is_over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task(Arc::clone(&is_over)))).collect();
    tokio::time::sleep(env.time).await;
    is_over.store(true, Relaxed);
    let mut calls = 0.0;
    for task in tasks {
        calls += f64::from(task.await.expect("no task panics"));
    }
    vec![calls / begun.elapsed().as_secs_f64() / 1e3]
}
