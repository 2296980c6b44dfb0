//! The name of a connection.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A connection's name, `conn_<index>_<unix nanos>`: the how-manieth of its pool it is, from 1, and when it
/// was opened.
///
/// Unique within its pool, and ordered as the connections were opened. Serializes as that text.
///
/// ```
/// let id: pool::ConnectionId = "conn_7_1700000000000000000".parse().unwrap();
/// assert_eq!(id.index(), 7);
/// assert_eq!(id.to_string(), "conn_7_1700000000000000000");
/// assert!("conn_7".parse::<pool::ConnectionId>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    index: u64,
    unix_nanos: u64,
}

impl ConnectionId {
    pub(crate) fn now(index: u64) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { index, unix_nanos: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX) }
    }

    /// The how-manieth connection of its pool it is, from 1.
    pub fn index(self) -> u64 {
        self.index
    }

    /// When it was opened, in nanoseconds since 1970, by the system's clock.
    pub fn unix_nanos(self) -> u64 {
        self.unix_nanos
    }

    /// A number that looks random and is always the same for this connection.
    pub(crate) fn scramble(self) -> u64 {
        scramble(self.unix_nanos ^ self.index.wrapping_mul(GOLDEN))
    }
}

/// The golden ratio's fraction in 64 bits, which spreads what it is multiplied with.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of SplitMix64: bits that look random, and are always the same for these.
pub(crate) fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conn_{}_{}", self.index, self.unix_nanos)
    }
}

/// A text that is not of the form `conn_<index>_<unix nanos>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a connection's id has the form conn_<index>_<unix nanos>")]
pub struct ParseIdError;

impl FromStr for ConnectionId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let numbers = text.strip_prefix("conn_").ok_or(ParseIdError)?;
        let (index, nanos) = numbers.split_once('_').ok_or(ParseIdError)?;
        let number = |text: &str| text.parse().map_err(|_| ParseIdError);
        Ok(Self { index: number(index)?, unix_nanos: number(nanos)? })
    }
}

impl Serialize for ConnectionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConnectionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
