//! bb8. Its time-out covers waiting, opening and checking. Guards that own their pool, as those of the others.

use std::fmt;
use std::time::Duration;

use bb8::{ManageConnection, Pool, PooledConnection};

use super::super::subject::{Backend, Failed, Shape, Subject};

/// bb8's defaults, named so that they can be stretched.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
const IDLE: Duration = Duration::from_secs(10 * 60);
const REAPER: Duration = Duration::from_secs(30);

/// The pool.
pub struct Bb8<B: Backend>(Pool<Managed<B>>);

impl<B: Backend> Clone for Bb8<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Backend> fmt::Debug for Bb8<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bb8").field(&self.0.state()).finish()
    }
}

/// A backend as bb8 wants it.
#[derive(Debug)]
pub struct Managed<B>(B);

impl<B: Backend> ManageConnection for Managed<B> {
    type Connection = B::Connection;
    type Error = Failed;

    async fn connect(&self) -> Result<B::Connection, Failed> {
        self.0.connect().await
    }

    async fn is_valid(&self, connection: &mut B::Connection) -> Result<(), Failed> {
        self.0.check(connection).await
    }

    fn has_broken(&self, _: &mut B::Connection) -> bool {
        false
    }
}

impl<B: Backend> Subject<B> for Bb8<B> {
    const NAME: &'static str = "bb8";
    type Guard = PooledConnection<'static, Managed<B>>;

    async fn start(backend: B, shape: Shape) -> Self {
        let builder = Pool::builder()
            .max_size(u32::try_from(shape.max).expect("a small number"))
            .connection_timeout(shape.stretched(shape.limit))
            .max_lifetime(Some(shape.stretched(LIFETIME)))
            .idle_timeout(Some(shape.stretched(IDLE)))
            .reaper_rate(shape.stretched(REAPER))
            .test_on_check_out(shape.check);
        Self(builder.build_unchecked(Managed(backend)))
    }

    async fn acquire(&self) -> Option<Self::Guard> {
        self.0.get_owned().await.ok()
    }
}
