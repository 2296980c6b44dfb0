//! deadpool, with its time-outs and without: it is faster without, and waits for ever then.

use std::fmt;
use std::marker::PhantomData;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};

use super::super::subject::{Backend, Failed, Shape, Subject};

/// With time-outs for waiting, opening and checking.
#[derive(Clone, Copy, Debug)]
pub struct Timed;

/// Without.
#[derive(Clone, Copy, Debug)]
pub struct Untimed;

/// Whether there are time-outs.
pub trait Timing: Copy + Send + Sync + 'static {
    /// The name in tables.
    const NAME: &'static str;
    /// Whether there are.
    const IS_TIMED: bool;
}

impl Timing for Timed {
    const NAME: &'static str = "deadpool+t";
    const IS_TIMED: bool = true;
}

impl Timing for Untimed {
    const NAME: &'static str = "deadpool";
    const IS_TIMED: bool = false;
}

/// The pool.
pub struct Deadpool<B: Backend, T>(Pool<Managed<B>>, PhantomData<T>);

impl<B: Backend, T> Clone for Deadpool<B, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<B: Backend, T> fmt::Debug for Deadpool<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadpool").field(&self.0.status()).finish()
    }
}

/// A backend as deadpool wants it.
#[derive(Debug)]
pub struct Managed<B> {
    backend: B,
    check: bool,
}

impl<B: Backend> Manager for Managed<B> {
    type Type = B::Connection;
    type Error = Failed;

    async fn create(&self) -> Result<B::Connection, Failed> {
        self.backend.connect().await
    }

    async fn recycle(&self, connection: &mut B::Connection, _: &Metrics) -> RecycleResult<Failed> {
        if self.check {
            self.backend.check(connection).await.map_err(RecycleError::Backend)?;
        }
        Ok(())
    }
}

impl<B: Backend, T: Timing> Subject<B> for Deadpool<B, T> {
    const NAME: &'static str = T::NAME;
    type Guard = Object<Managed<B>>;

    async fn start(backend: B, shape: Shape) -> Self {
        let limit = T::IS_TIMED.then_some(shape.stretched(shape.limit));
        let pool = Pool::builder(Managed { backend, check: shape.check })
            .max_size(shape.max)
            .runtime(Runtime::Tokio1)
            .wait_timeout(limit)
            .create_timeout(limit)
            .recycle_timeout(limit)
            .build();
        Self(pool.expect("a runtime for the time-outs is named"), PhantomData)
    }

    async fn acquire(&self) -> Option<Self::Guard> {
        self.0.get().await.ok()
    }
}
