//! What can be set about a pool, whatever it connects to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::adaptive::Adaptive;
use crate::ask::Ageing;
use crate::connector::Connector;
use crate::error::ConfigError;
use crate::gate::circuit::Breaker;
use crate::gate::leaks::Leaks;
#[cfg(feature = "rate-limit")]
use crate::gate::limits::{self, RateLimit};
use crate::gate::relief::Degradation;
use crate::health::Health;
use crate::hooks::HookTimeouts;
use crate::observe::Observe;
use crate::tenants::Tenants;
use crate::warm::Warm;

/// What can be set about a pool, whatever it connects to. Serialized durations are in milliseconds.
///
/// ```
/// use std::time::Duration;
///
/// let settings = pool::Settings { min: 2, max: 8, ..Default::default() };
/// settings.validate().unwrap();
///
/// let wrong = pool::Settings { min: 9, max: 8, ..Default::default() };
/// assert_eq!(wrong.validate().unwrap_err().to_string(), "min: 9 is more than max, which is 8");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The name that events, statistics, metrics and spans show. Default: empty, which stands for what the
    /// pool connects to: `host:port/database` or a file, as far as that is known, and `pool` otherwise.
    pub name: String,
    /// How many connections are opened at the start and kept. Default: 10.
    pub min: usize,
    /// How many there may be at most, counting those that are being opened or closed. Default: 20. Where it is
    /// [`adaptive`](Self::adaptive), what it is at the start.
    pub max: usize,
    /// How long a caller waits for a connection. Default: 30 s.
    #[serde(with = "millis")]
    pub acquire_timeout: Duration,
    /// How long one attempt to connect may take. Default: 5 s.
    #[serde(with = "millis")]
    pub connect_timeout: Duration,
    /// A connection that was idle for longer is checked before it is handed out. Default: 100 ms, so that
    /// busy connections are not checked, and those that died while idle are found. Zero checks always.
    #[serde(with = "millis")]
    pub check_after: Duration,
    /// How long a check may take before the connection counts as dead. Default: 1 s.
    #[serde(with = "millis")]
    pub check_timeout: Duration,
    /// How long the cleaning of a connection that came back dirty may take. Default: 5 s.
    #[serde(with = "millis")]
    pub clean_timeout: Duration,
    /// How long the orderly closing of a connection may take before it is dropped. Default: 1 s.
    #[serde(with = "millis")]
    pub close_timeout: Duration,
    /// A connection is closed when it is this old. Default: 30 min. `None`: never.
    #[serde(with = "millis::option")]
    pub max_lifetime: Option<Duration>,
    /// By how many per cent lifetimes are shortened at most, at random but once for each connection, so that
    /// those opened together do not end together. Default: 10.
    pub lifetime_jitter_percent: u8,
    /// Connections beyond the minimum are closed when they were idle for this long. Default: 10 min.
    /// `None`: never.
    #[serde(with = "millis::option")]
    pub idle_timeout: Option<Duration>,
    /// An idle connection is replaced this long before its lifetime ends, so that nobody waits for the new
    /// one. Default: 30 s.
    #[serde(with = "millis")]
    pub renew_before: Duration,
    /// The first pause between attempts to connect after one has failed. It doubles each time.
    /// Default: 5 ms.
    #[serde(with = "millis")]
    pub retry_min: Duration,
    /// The longest pause between attempts to connect. Default: 100 ms.
    #[serde(with = "millis")]
    pub retry_max: Duration,
    /// How often the maintenance runs. Default: 10 s. `None`: only when it is called.
    #[serde(with = "millis::option")]
    pub maintenance_every: Option<Duration>,
    /// What keeps a low [`Priority`](crate::Priority) from waiting for ever. Default: 1 s for normal, 10 s for
    /// low. `None`: the order is strict, and a lower priority waits for as long as higher ones keep coming.
    pub ageing: Option<Ageing>,
    /// Spans and gauges.
    pub observe: Observe,
    /// Which tenants there are, and what unnamed ones may have. Default: none is named, and others have no
    /// limits. Costs nothing where nobody asks in the name of a tenant.
    pub tenants: Tenants,
    /// How many tags there may be that are counted by themselves; a tag costs 4 KB, and stays as long as the
    /// pool. Those that come later are counted together, as [`Tag::OTHER`](crate::Tag::OTHER).
    /// Default: 100.
    pub max_tags: usize,
    /// When a borrowed connection counts as leaked, and is reported. Default: `None`, never.
    pub leaks: Option<Leaks>,
    /// How often connections may be asked for. Default: as often as anybody likes.
    #[cfg(feature = "rate-limit")]
    pub rate_limits: Vec<RateLimit>,
    /// When nobody waits for a database that fails. Default: `None`, never.
    pub breaker: Option<Breaker>,
    /// What is done when there are too few connections for all. Default: all wait.
    pub degradation: Degradation,
    /// When connections are checked beside the check before a loan. Default: never.
    pub health: Health,
    /// How long each hook may take.
    pub hooks: HookTimeouts,
    /// How many connections are opened ahead of load. Default: none beyond the minimum.
    pub warm: Warm,
    /// Moves the maximum between bounds by what is measured. Default: `None`, the maximum stays.
    pub adaptive: Option<Adaptive>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            min: 10,
            max: 20,
            acquire_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            check_after: Duration::from_millis(100),
            check_timeout: Duration::from_secs(1),
            clean_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(1),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            lifetime_jitter_percent: 10,
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            renew_before: Duration::from_secs(30),
            retry_min: Duration::from_millis(5),
            retry_max: Duration::from_millis(100),
            maintenance_every: Some(Duration::from_secs(10)),
            ageing: Some(Ageing::default()),
            observe: Observe::default(),
            tenants: Tenants::default(),
            max_tags: 100,
            leaks: None,
            #[cfg(feature = "rate-limit")]
            rate_limits: Vec::new(),
            breaker: None,
            degradation: Degradation::default(),
            health: Health::default(),
            hooks: HookTimeouts::default(),
            warm: Warm::default(),
            adaptive: None,
        }
    }
}

impl Settings {
    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// Names the first field that does not, and says why.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: String| Err(ConfigError::new(field, problem));
        if self.max == 0 {
            return wrong("max", String::from("must be at least 1"));
        }
        if self.min > self.max {
            return wrong("min", format!("{} is more than max, which is {}", self.min, self.max));
        }
        if self.lifetime_jitter_percent > 100 {
            let percent = self.lifetime_jitter_percent;
            return wrong("lifetime_jitter_percent", format!("{percent} is more than 100"));
        }
        if self.retry_min > self.retry_max {
            let (min, max) = (self.retry_min, self.retry_max);
            return wrong("retry_min", format!("{min:?} is more than retry_max, which is {max:?}"));
        }
        ConfigError::unless_positive(&[
            ("acquire_timeout", Some(self.acquire_timeout)),
            ("connect_timeout", Some(self.connect_timeout)),
            ("check_timeout", Some(self.check_timeout)),
            ("clean_timeout", Some(self.clean_timeout)),
            ("close_timeout", Some(self.close_timeout)),
            ("retry_min", Some(self.retry_min)),
            ("max_lifetime", self.max_lifetime),
            ("idle_timeout", self.idle_timeout),
            ("maintenance_every", self.maintenance_every),
            ("observe.gauges_every", self.observe.gauges_every),
        ])?;
        self.validate_parts()
    }

    /// The least that the maximum may become.
    pub(crate) fn least_max(&self) -> usize {
        self.adaptive.as_ref().map_or(self.max, |adaptive| adaptive.min_max)
    }

    /// The most that the maximum may become.
    pub(crate) fn most_max(&self) -> usize {
        self.adaptive.as_ref().map_or(self.max, |adaptive| adaptive.max_max)
    }

    /// Calls a pool that was given no name by what it connects to.
    pub(crate) fn name_after(&mut self, connector: &impl Connector) {
        if self.name.is_empty() {
            self.name = connector.name().unwrap_or_else(|| String::from("pool"));
        }
    }

    /// Checks the settings of parts that have their own.
    fn validate_parts(&self) -> Result<(), ConfigError> {
        self.ageing.as_ref().map_or(Ok(()), Ageing::validate)?;
        self.adaptive.as_ref().map_or(Ok(()), |adaptive| adaptive.validate(self))?;
        self.tenants.validate(self.least_max())?;
        self.leaks.as_ref().map_or(Ok(()), Leaks::validate)?;
        #[cfg(feature = "rate-limit")]
        limits::validate(&self.rate_limits, self.max_tags)?;
        self.breaker.as_ref().map_or(Ok(()), Breaker::validate)?;
        self.degradation.validate()?;
        self.health.validate()?;
        self.hooks.validate()?;
        self.warm.validate(self.max)
    }

    /// The pause after so many attempts have failed, at least one.
    pub(crate) fn retry_pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.retry_min.saturating_mul(doubled).min(self.retry_max)
    }
}

/// Durations as a number of milliseconds.
pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    fn whole(duration: &Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(whole(duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }

    pub(crate) mod option {
        use super::{Deserialize, Deserializer, Duration, Serializer, whole};

        pub(crate) fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match duration {
                Some(duration) => to.serialize_some(&whole(duration)),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
        }
    }
}
