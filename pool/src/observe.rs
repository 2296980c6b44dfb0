//! What a pool shows of itself, beside its events and statistics.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::millis;

/// What a pool shows of itself, beside its events and statistics. Part of [`Settings`](crate::Settings).
///
/// ```
/// use pool::{Observe, Settings};
///
/// let settings = Settings { observe: Observe { spans: true, ..Default::default() }, ..Default::default() };
/// settings.validate().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observe {
    /// Whether there is a `tracing` span for each acquire, and one for as long as each connection is held. See
    /// "Spans" in the crate's documentation. Default: no.
    pub spans: bool,
    /// How often the gauges are set, with the feature `metrics`: how many connections are idle and used, and
    /// how many callers wait. The other metrics are recorded as things happen. Default: 1 s. `None`: only when
    /// the pool is asked to.
    #[serde(with = "millis::option")]
    pub gauges_every: Option<Duration>,
}

impl Default for Observe {
    fn default() -> Self {
        Self { spans: false, gauges_every: Some(Duration::from_secs(1)) }
    }
}
