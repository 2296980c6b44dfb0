//! `Serialize` and `Deserialize`, behind the feature `serde`.
//!
//! The ordered map is a map in key order, the set a sequence in key order, the other map a map in the order
//! of insertions. What is written is what one iteration meets.

use std::fmt;
use std::marker::PhantomData;

use ::serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{Serialize, Serializer};

use crate::insertion_order::InsertionOrderedMap;
use crate::map::ConcurrentOrderedMap;
use crate::set::ConcurrentOrderedSet;

impl<K, V> Serialize for ConcurrentOrderedMap<K, V>
where
    K: Serialize + Ord + Send + 'static,
    V: Serialize + Send + 'static,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.pin();
        // Collected first, because many formats begin with the number of entries.
        serializer.collect_map(session.iter().collect::<Vec<_>>())
    }
}

impl<K, V> Serialize for InsertionOrderedMap<K, V>
where
    K: Serialize + Ord + Send + 'static,
    V: Serialize + Send + 'static,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.pin().entries())
    }
}

impl<K: Serialize + Ord + Send + 'static> Serialize for ConcurrentOrderedSet<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.pin();
        serializer.collect_seq(session.iter().collect::<Vec<_>>())
    }
}

impl<'de, K, V> Deserialize<'de> for ConcurrentOrderedMap<K, V>
where
    K: Deserialize<'de> + Ord + Send + 'static,
    V: Deserialize<'de> + Send + 'static,
{
    /// Of several entries with one key, the last stays.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries::<Self, K, V>::new())
    }
}

impl<'de, K, V> Deserialize<'de> for InsertionOrderedMap<K, V>
where
    K: Deserialize<'de> + Ord + Send + 'static,
    V: Deserialize<'de> + Send + 'static,
{
    /// The entries are inserted in the order in which they come.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries::<Self, K, V>::new())
    }
}

impl<'de, K> Deserialize<'de> for ConcurrentOrderedSet<K>
where
    K: Deserialize<'de> + Ord + Send + 'static,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Members(PhantomData))
    }
}

/// Fills a map `M` with entries.
struct Entries<M, K, V>(PhantomData<(M, K, V)>);

impl<M, K, V> Entries<M, K, V> {
    fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, M, K, V> Visitor<'de> for Entries<M, K, V>
where
    M: Default + Extend<(K, V)>,
    K: Deserialize<'de>,
    V: Deserialize<'de>,
{
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<M, A::Error> {
        let mut map = M::default();
        while let Some(entry) = access.next_entry()? {
            map.extend([entry]);
        }
        Ok(map)
    }
}

/// Fills a set with keys.
struct Members<K>(PhantomData<K>);

impl<'de, K: Deserialize<'de> + Ord + Send + 'static> Visitor<'de> for Members<K> {
    type Value = ConcurrentOrderedSet<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let set = ConcurrentOrderedSet::new();
        while let Some(key) = access.next_element()? {
            set.insert(key);
        }
        Ok(set)
    }
}
