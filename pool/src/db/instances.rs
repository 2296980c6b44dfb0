//! The instances of the process: one for each database type and name.

use std::any::{Any, TypeId};
use std::sync::{Arc, LazyLock};

use concurrent_ordered_map::ConcurrentOrderedMap;
use sqlx::Database;

use super::{Config, ConnectionManager};
use crate::once::Once;
use crate::pool::StartError;

type Key = (TypeId, String);
type Untyped = Arc<dyn Any + Send + Sync>;
/// The place of one instance. It stays when the instance is closed.
type Instance<DB> = Once<ConnectionManager<DB>, StartError>;

static INSTANCES: LazyLock<ConcurrentOrderedMap<Key, Untyped>> =
    LazyLock::new(ConcurrentOrderedMap::new);

fn key<DB: Database>(name: &str) -> Key {
    (TypeId::of::<DB>(), String::from(name))
}

fn typed<DB: Database>(untyped: Untyped) -> Arc<Instance<DB>> {
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
        let empty = || -> Untyped { Arc::new(Instance::<DB>::new(|built| !built.is_closed())) };
        let instance = typed::<DB>(INSTANCES.get_or_insert_with(key::<DB>(name), empty));
        instance.get_or_init(|| Self::connect(config)).await
    }

    /// The instance of this process, if there is one that is not closed and none is just being built.
    pub fn get() -> Option<Self> {
        Self::get_named("")
    }

    /// The instance with this name, if there is one that is not closed and none is just being built.
    pub fn get_named(name: &str) -> Option<Self> {
        typed::<DB>(INSTANCES.get(&key::<DB>(name))?).get()
    }
}
