//! What borrowing and waiting allocate. Asked in a process whose allocator counts.

use std::pin::Pin;
use std::task::{Context, Waker};

use super::{Env, Here};
use crate::number::float;
use crate::pools::fake::Fake;
use crate::pools::subject::{Shape, Subject, warm};

/// Allocations for each call when a connection is idle; and the bytes of one who waits, future and all.
pub(super) async fn all<S: Subject<Fake>>(env: &Env, _: Here<S>) -> Vec<f64> {
    let allocated = env.allocated.expect("asked only where an allocator counts");
    let pool: S = warm(Fake::default(), Shape::of(10)).await;
    const CALLS: usize = 1_000;
    let before = allocated().times;
    for _ in 0..CALLS {
        drop(pool.acquire().await);
    }
    // Some give connections back in tasks.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let times = float(allocated().times - before) / float(CALLS);

    const WAITERS: usize = 1_000;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(pool.acquire().await);
    }
    let mut waiters: Vec<_> = (0..WAITERS).map(|_| Box::pin(pool.acquire())).collect();
    let before = allocated().bytes;
    for waiter in &mut waiters {
        let polled = waiter.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "all are borrowed");
    }
    let bytes = float(usize::try_from(allocated().bytes - before).unwrap_or(0)) / float(WAITERS);
    vec![times, bytes + float(std::mem::size_of_val(&*Pin::as_ref(&waiters[0])))]
}
