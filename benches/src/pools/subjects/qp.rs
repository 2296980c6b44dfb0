//! qp. It has no time-outs, and its checks cannot change a connection. Its guards borrow their pool, which is
//! therefore never freed.

use std::fmt;

use qp::resource::Manage;
use qp::{Pool, Pooled};

use super::super::subject::{Backend, Failed, Shape, Subject};

/// The pool.
pub struct Qp<B: Backend>(&'static Pool<Managed<B>>);

impl<B: Backend> Clone for Qp<B> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<B: Backend> fmt::Debug for Qp<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Qp").field(&self.0.size()).finish()
    }
}

/// A backend as qp wants it.
#[derive(Debug)]
pub struct Managed<B> {
    backend: B,
    check: bool,
}

#[qp::async_trait]
impl<B: Backend> Manage for Managed<B> {
    type Output = B::Connection;
    type Error = Failed;

    async fn try_create(&self) -> Result<B::Connection, Failed> {
        self.backend.connect().await
    }

    async fn validate(&self, connection: &B::Connection) -> bool {
        !self.check || self.backend.check_shared(connection).await.is_ok()
    }
}

impl<B: Backend> Subject<B> for Qp<B> {
    const NAME: &'static str = "qp";
    type Guard = Pooled<'static, Managed<B>>;

    async fn start(backend: B, shape: Shape) -> Self {
        let manager = Managed { backend, check: shape.check };
        Self(Box::leak(Box::new(Pool::new(manager, shape.max))))
    }

    async fn acquire(&self) -> Option<Self::Guard> {
        // What it offers for pools that need no checks, since even an empty one boxes a future.
        if self.0.manager().check {
            self.0.acquire().await.ok()
        } else {
            self.0.acquire_unchecked().await.ok()
        }
    }

    async fn end(&self) {
        for _ in 0..self.0.max_size() {
            drop(self.acquire().await.map(Pooled::take));
        }
    }
}
