//! What is asked of the pools. Each question takes a fresh pool in a fresh runtime of two threads.

pub(crate) mod crowd;
mod giving_up;
mod memory;
mod postgres;

use std::future::Future;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

use super::fake::{Fake, Noop};
use super::subject::{Shape, Subject, warm};
use super::subjects::{Bb8, Deadpool, Ours, Postgres, Qp, SqlxPool, Timed, Untimed};

/// One figure of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The row's name in the table.
    pub id: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// Whether more is better.
    pub more_is_better: bool,
}

/// What all questions may use.
#[derive(Clone, Debug)]
pub struct Env {
    /// A PostgreSQL server, if there is one.
    pub postgres: Option<PgConnectOptions>,
    /// How long a throughput is measured.
    pub time: Duration,
    /// What was allocated so far, where an allocator counts it: that would slow all other rows.
    pub allocated: Option<fn() -> Allocated>,
}

/// What was allocated since the process has started.
#[derive(Clone, Copy, Debug)]
pub struct Allocated {
    /// How often.
    pub times: usize,
    /// Bytes that were not freed yet.
    pub bytes: isize,
}

/// How a subject answers. A figure that is not a number means that calls hung.
pub type Answer = fn(&Env) -> Vec<f64>;

/// A question, and who answers it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The figures of an answer, in order.
    pub columns: &'static [Column],
    /// The subjects that take part.
    pub answers: Vec<(&'static str, Answer)>,
}

const fn less(id: &'static str, unit: &'static str) -> Column {
    Column { id, unit, more_is_better: false }
}

const fn more(id: &'static str, unit: &'static str) -> Column {
    Column { id, unit, more_is_better: true }
}

/// Runs a question's future, in a runtime of its own.
fn run<T>(question: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be started").block_on(question)
}

/// A question to all pools over the fake server.
macro_rules! of_all {
    ([$($column:expr),+], $ask:path) => {
        Question {
            columns: const { &[$($column),+] },
            answers: vec![
                (<Ours<Fake> as Subject<Fake>>::NAME, |env| run($ask(env, Here::<Ours<Fake>>::new()))),
                (<SqlxPool<Noop> as Subject<Fake>>::NAME, |env| run($ask(env, Here::<SqlxPool<Noop>>::new()))),
                (<Deadpool<Fake, Untimed> as Subject<Fake>>::NAME, |env| {
                    run($ask(env, Here::<Deadpool<Fake, Untimed>>::new()))
                }),
                (<Deadpool<Fake, Timed> as Subject<Fake>>::NAME, |env| {
                    run($ask(env, Here::<Deadpool<Fake, Timed>>::new()))
                }),
                (<Bb8<Fake> as Subject<Fake>>::NAME, |env| run($ask(env, Here::<Bb8<Fake>>::new()))),
                (<Qp<Fake> as Subject<Fake>>::NAME, |env| run($ask(env, Here::<Qp<Fake>>::new()))),
            ],
        }
    };
}

/// A question to all pools over PostgreSQL, and to a bare connection a task.
macro_rules! of_postgres {
    ($id:literal, $tasks:literal, $check:literal) => {
        Question {
            columns: const { &[more($id, "k/s")] },
            answers: vec![
                ("ours", |env| {
                    run(postgres::pooled(
                        env,
                        Here::<Ours<pool::Sqlx<sqlx::Postgres>>>::new(),
                        $tasks,
                        $check,
                    ))
                }),
                ("sqlx", |env| {
                    run(postgres::pooled(
                        env,
                        Here::<SqlxPool<sqlx::Postgres>>::new(),
                        $tasks,
                        $check,
                    ))
                }),
                ("deadpool", |env| {
                    run(postgres::pooled(
                        env,
                        Here::<Deadpool<Postgres, Untimed>>::new(),
                        $tasks,
                        $check,
                    ))
                }),
                ("deadpool+t", |env| {
                    run(postgres::pooled(
                        env,
                        Here::<Deadpool<Postgres, Timed>>::new(),
                        $tasks,
                        $check,
                    ))
                }),
                ("bb8", |env| {
                    run(postgres::pooled(env, Here::<Bb8<Postgres>>::new(), $tasks, $check))
                }),
                ("qp", |env| {
                    run(postgres::pooled(env, Here::<Qp<Postgres>>::new(), $tasks, $check))
                }),
                ("bare", |env| run(postgres::bare(env, $tasks))),
            ],
        }
    };
}

/// Names a subject to a function.
#[derive(Debug)]
pub struct Here<S>(std::marker::PhantomData<S>);

impl<S> Here<S> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

/// All questions, in the table's order.
#[must_use]
pub fn all() -> Vec<Question> {
    vec![
        of_all!([less("uncontended", "ns")], uncontended),
        of_all!(
            [more("crowd", "k/s"), more("crowd-jain", "index"), less("crowd-max-wait", "ms")],
            crowd::yielding
        ),
        of_all!(
            [
                more("hold-1ms", "k/s"),
                more("hold-1ms-jain", "index"),
                less("hold-1ms-max-wait", "ms")
            ],
            crowd::sleeping
        ),
        of_all!([less("fifty-warm", "ms")], crowd::fifty_warm),
        of_all!([less("fifty-cold", "ms"), less("fifty-cold-opened", "opened")], crowd::fifty_cold),
        of_all!([less("connect-wasted", "attempts")], giving_up::while_connecting),
        of_all!([less("check-destroyed", "closed")], giving_up::while_checking),
        of_all!([less("frozen", "ms")], giving_up::while_frozen),
        of_all!(
            [less("memory-acquire", "allocations"), less("memory-waiter", "bytes")],
            memory::all
        ),
        of_postgres!("pg-20", 20, false),
        of_postgres!("pg-20-checked", 20, true),
        of_postgres!("pg-2", 2, false),
        of_postgres!("pg-2-checked", 2, true),
    ]
}

/// Borrowing and giving back, by one task, with ten idle connections.
async fn uncontended<S: Subject<Fake>>(env: &Env, _: Here<S>) -> Vec<f64> {
    let pool: S = warm(Fake::default(), Shape::of(10)).await;
    let (begun, mut calls) = (Instant::now(), 0_u32);
    while begun.elapsed() < env.time {
        for _ in 0..1_000 {
            drop(pool.acquire().await.expect("one is idle"));
        }
        calls += 1_000;
    }
    vec![begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls)]
}
