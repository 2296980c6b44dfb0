//! The instances of the process: one for each database type and name.

use std::any::{Any, TypeId};
use std::sync::{Arc, LazyLock};

use concurrent_ordered_map::ConcurrentOrderedMap;
use sqlx::Database;
use tokio::sync::Mutex;

use super::{Config, ConnectionManager};
use crate::pool::StartError;
use crate::sync::{AtomicU64, Ordering};

type Key = (TypeId, String);
type Untyped = Arc<dyn Any + Send + Sync>;

static INSTANCES: LazyLock<ConcurrentOrderedMap<Key, Untyped>> =
    LazyLock::new(ConcurrentOrderedMap::new);

/// The place of one instance. It stays when the instance is closed.
struct Instance<DB: Database> {
    /// How many attempts to build it have ended.
    attempts: AtomicU64,
    /// Held while it is built, so one caller builds and the others wait for what it comes to.
    built: Mutex<Option<Result<ConnectionManager<DB>, StartError>>>,
}

fn instance<DB: Database>(name: &str) -> Arc<Instance<DB>> {
    let key = (TypeId::of::<DB>(), String::from(name));
    let fresh = || -> Untyped {
        Arc::new(Instance::<DB> { attempts: AtomicU64::new(0), built: Mutex::new(None) })
    };
    let untyped = INSTANCES.get_or_insert_with(key, fresh);
    untyped.downcast().expect("the key holds the type")
}

impl<DB: Database> ConnectionManager<DB> {
    /// The instance of this process, which the first caller builds with its configuration. Others get the
    /// same one, whatever theirs says.
    ///
    /// After the instance was closed, this builds another one; handles of the closed one stay closed. It
    /// lives in the tokio runtime in which it was built.
    ///
    /// Cancel-safe: if the caller that builds gives up, the next builds.
    ///
    /// # Errors
    /// When building fails. All callers that waited for that attempt get the error; later ones try again.
    pub async fn get_or_init(config: Config<DB>) -> Result<Self, StartError> {
        Self::get_or_init_named("", config).await
    }

    /// As [`get_or_init`](Self::get_or_init), for an instance with a name. Each name has one.
    ///
    /// # Errors
    /// As for [`get_or_init`](Self::get_or_init).
    pub async fn get_or_init_named(name: &str, config: Config<DB>) -> Result<Self, StartError> {
        let instance = instance::<DB>(name);
        // Ordering: Relaxed here and below; what the attempt came to is read under the lock.
        let seen = instance.attempts.load(Ordering::Relaxed);
        let mut built = instance.built.lock().await;
        let ended_meanwhile = instance.attempts.load(Ordering::Relaxed) != seen;
        match &*built {
            Some(Ok(manager)) if !manager.is_closed() => return Ok(manager.clone()),
            Some(Err(error)) if ended_meanwhile => return Err(error.clone()),
            _ => {}
        }
        let outcome = Self::connect(config).await;
        instance.attempts.fetch_add(1, Ordering::Relaxed);
        *built = Some(outcome.clone());
        outcome
    }

    /// The instance of this process, if there is one that is not closed and none is just being built.
    pub fn get() -> Option<Self> {
        Self::get_named("")
    }

    /// The instance with this name, if there is one that is not closed and none is just being built.
    pub fn get_named(name: &str) -> Option<Self> {
        let instance = instance::<DB>(name);
        let built = instance.built.try_lock().ok()?;
        built.as_ref()?.as_ref().ok().filter(|manager| !manager.is_closed()).cloned()
    }
}
