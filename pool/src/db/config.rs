//! What can be set about a pool of sqlx connections, and where from.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use sqlx::Database;

use super::dialect::Dialect;
use super::gate_vars::read_gate;
use super::hooks::Hooks;
use super::{ConnectOptions, ConnectionManager, Sqlx};
use crate::adaptive::Adaptive;
use crate::ask::Ageing;
use crate::error::ConfigError;
use crate::pool::{Pool, StartError};
use crate::settings::Settings;

/// What can be set about a pool of sqlx connections.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use std::time::Duration;
///
/// let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")
///     .unwrap()
///     .min(1)
///     .max(4)
///     .set(|settings| settings.acquire_timeout = Duration::from_secs(2));
/// assert_eq!(config.settings().max, 4);
///
/// let wrong = pool::Config::<sqlx::Sqlite>::new("postgres://localhost").unwrap_err();
/// assert_eq!(wrong.to_string(), "url: the scheme 'postgres' is none of SQLite's: sqlite");
/// # }
/// ```
///
/// It deserializes from `url`, and optionally `settings` (see [`Settings`]) and `reset_session`.
pub struct Config<DB: Database> {
    options: ConnectOptions<DB>,
    dialect: Dialect,
    reset_session: bool,
    /// As far as the URL says so.
    is_in_memory: bool,
    settings: Settings,
    pub(super) hooks: Hooks<DB>,
}

impl<DB: Database> Config<DB> {
    /// Connects to this URL, with default settings.
    ///
    /// # Errors
    /// When the URL's scheme is not one of this database, or the URL cannot be read.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let schemes = DB::URL_SCHEMES;
        if !schemes.is_empty() && !schemes.contains(&scheme) {
            let problem =
                format!("the scheme '{scheme}' is none of {}'s: {}", DB::NAME, schemes.join(", "));
            return Err(ConfigError::new("url", problem));
        }
        // `Any` names no schemes; it takes those of the drivers that are there.
        #[cfg(feature = "any")]
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of_scheme(scheme);
        if dialect == Dialect::Other {
            return Err(ConfigError::new("url", format!("the scheme '{scheme}' is unknown")));
        }
        match url.parse() {
            Ok(options) => {
                Ok(Self { is_in_memory: is_in_memory(url), ..Self::build(options, dialect) })
            }
            Err(error) => Err(ConfigError::new("url", error.to_string())),
        }
    }

    /// Connects with these options, with default settings. For a database whose kind sqlx tells by the URL
    /// only (`Any`), use [`new`](Self::new).
    pub fn with_options(options: ConnectOptions<DB>) -> Self {
        let scheme = DB::URL_SCHEMES.first().copied().unwrap_or_default();
        Self::build(options, Dialect::of_scheme(scheme))
    }

    fn build(options: ConnectOptions<DB>, dialect: Dialect) -> Self {
        Self {
            options,
            dialect,
            reset_session: false,
            is_in_memory: false,
            settings: Settings::default(),
            hooks: Hooks::none(),
        }
    }

    /// Reads the environment: `DATABASE_URL`, and optionally `POOL_NAME`, `POOL_MIN`, `POOL_MAX`,
    /// `POOL_RESET_SESSION` and `POOL_CHECK_ON_RELEASE` (`true` or `false`), `POOL_LIFETIME_JITTER_PERCENT`,
    /// `POOL_WARM` (how many connections at the start), and in milliseconds
    /// `POOL_ACQUIRE_TIMEOUT`, `POOL_CONNECT_TIMEOUT`, `POOL_CHECK_AFTER`, `POOL_CHECK_TIMEOUT`,
    /// `POOL_CLEAN_TIMEOUT`, `POOL_CLOSE_TIMEOUT`, `POOL_RENEW_BEFORE`, `POOL_RETRY_MIN`, `POOL_RETRY_MAX`,
    /// `POOL_WARM_KEEP`, `POOL_BEFORE_CONNECT_TIMEOUT`, `POOL_AFTER_CONNECT_TIMEOUT`,
    /// `POOL_BEFORE_ACQUIRE_TIMEOUT`, `POOL_AFTER_RELEASE_TIMEOUT`, and, where `off` means never,
    /// `POOL_MAX_LIFETIME`, `POOL_IDLE_TIMEOUT`, `POOL_MAINTENANCE_EVERY`, `POOL_CHECK_IDLE_EVERY`,
    /// `POOL_GAUGES_EVERY`; and `POOL_SPANS` (`true` or `false`).
    ///
    /// For [`Ageing`](crate::Ageing) `POOL_AGEING_NORMAL` and `POOL_AGEING_LOW` in milliseconds, or `POOL_AGEING`
    /// as `off`. Any of `POOL_ADAPTIVE_MIN_MAX`, `POOL_ADAPTIVE_MAX_MAX` and, in milliseconds,
    /// `POOL_ADAPTIVE_EVERY` and `POOL_ADAPTIVE_WAIT_TARGET` makes the maximum [`Adaptive`](crate::Adaptive).
    ///
    /// What stands before an acquire: `POOL_MAX_TAGS`; `POOL_LEAKS_AFTER` (milliseconds or `off`) switches the
    /// search for leaks on, `POOL_LEAKS_BACKTRACE` (`true` or `false`) its backtraces; `POOL_BREAKER` (`true` or
    /// `false`) the circuit breaker, of which `POOL_BREAKER_FAILURES_IN_A_ROW` and
    /// `POOL_BREAKER_FAILURE_PERCENT` (numbers or `off`), `POOL_BREAKER_OPEN_MIN` and `POOL_BREAKER_OPEN_MAX`
    /// (milliseconds) can be set; `POOL_WAIT_LESS` (milliseconds) and `POOL_WAIT_LESS_OVER` (how many wait, or
    /// `off`) the shorter limit of [`WaitLess`](crate::WaitLess); and, with the feature `rate-limit`,
    /// `POOL_RATE_LIMIT` how many connections may be asked for in a second.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be read, or the setting that makes no sense.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), from variables that are looked up by a function.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// let vars = |name: &str| match name {
    ///     "DATABASE_URL" => Some(String::from("sqlite::memory:")),
    ///     "POOL_MAX" => Some(String::from("many")),
    ///     _ => None,
    /// };
    /// let error = pool::Config::<sqlx::Sqlite>::from_vars(vars).unwrap_err();
    /// assert_eq!(error.to_string(), "POOL_MAX: 'many' is not a whole number");
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let url = look_up("DATABASE_URL")
            .ok_or_else(|| ConfigError::new("DATABASE_URL", "is not set"))?;
        let mut config = Self::new(&url)
            .map_err(|error| ConfigError { field: String::from("DATABASE_URL"), ..error })?;
        let vars = Vars { look_up };
        let settings = &mut config.settings;
        if let Some(name) = (vars.look_up)("POOL_NAME") {
            settings.name = name;
        }
        vars.number("POOL_MIN", &mut settings.min)?;
        vars.number("POOL_MAX", &mut settings.max)?;
        vars.number("POOL_LIFETIME_JITTER_PERCENT", &mut settings.lifetime_jitter_percent)?;
        vars.millis("POOL_ACQUIRE_TIMEOUT", &mut settings.acquire_timeout)?;
        vars.millis("POOL_CONNECT_TIMEOUT", &mut settings.connect_timeout)?;
        vars.millis("POOL_CHECK_AFTER", &mut settings.check_after)?;
        vars.millis("POOL_CHECK_TIMEOUT", &mut settings.check_timeout)?;
        vars.millis("POOL_CLEAN_TIMEOUT", &mut settings.clean_timeout)?;
        vars.millis("POOL_CLOSE_TIMEOUT", &mut settings.close_timeout)?;
        vars.millis("POOL_RENEW_BEFORE", &mut settings.renew_before)?;
        vars.millis("POOL_RETRY_MIN", &mut settings.retry_min)?;
        vars.millis("POOL_RETRY_MAX", &mut settings.retry_max)?;
        vars.millis_or_off("POOL_MAX_LIFETIME", &mut settings.max_lifetime)?;
        vars.millis_or_off("POOL_IDLE_TIMEOUT", &mut settings.idle_timeout)?;
        vars.millis_or_off("POOL_MAINTENANCE_EVERY", &mut settings.maintenance_every)?;
        vars.millis_or_off("POOL_GAUGES_EVERY", &mut settings.observe.gauges_every)?;
        vars.flag("POOL_SPANS", &mut settings.observe.spans)?;
        vars.number("POOL_WARM", &mut settings.warm.at_start)?;
        vars.millis("POOL_WARM_KEEP", &mut settings.warm.keep)?;
        vars.millis("POOL_BEFORE_CONNECT_TIMEOUT", &mut settings.hooks.before_connect)?;
        vars.millis("POOL_AFTER_CONNECT_TIMEOUT", &mut settings.hooks.after_connect)?;
        vars.millis("POOL_BEFORE_ACQUIRE_TIMEOUT", &mut settings.hooks.before_acquire)?;
        vars.millis("POOL_AFTER_RELEASE_TIMEOUT", &mut settings.hooks.after_release)?;
        vars.millis_or_off("POOL_CHECK_IDLE_EVERY", &mut settings.health.idle_every)?;
        vars.flag("POOL_CHECK_ON_RELEASE", &mut settings.health.on_release)?;
        vars.ageing(&mut settings.ageing)?;
        vars.adaptive(&mut settings.adaptive)?;
        read_gate(&vars, settings)?;
        vars.flag("POOL_RESET_SESSION", &mut config.reset_session)?;
        config.validate()?;
        Ok(config)
    }

    /// The name that events, statistics and metrics show. See [`Settings::name`].
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        self.set(|settings| settings.name = name.into())
    }

    /// How many connections are opened at the start and kept.
    #[must_use]
    pub fn min(self, min: usize) -> Self {
        self.set(|settings| settings.min = min)
    }

    /// How many there may be.
    #[must_use]
    pub fn max(self, max: usize) -> Self {
        self.set(|settings| settings.max = max)
    }

    /// Sets any of the [`Settings`].
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Whether session state that a borrower leaves (settings, temporary tables, advisory locks, `LISTEN`) is
    /// kept from the next one.
    ///
    /// On PostgreSQL the session is reset, which costs a round trip each time. SQLite and MySQL have no
    /// statement for that, and sqlx does not send MySQL's `COM_RESET_CONNECTION`: there every connection
    /// serves one borrower and is closed ([`Reason::Spent`](crate::Reason::Spent)), and the next one gets a
    /// new one. Opening costs some hundred microseconds for a file and some round trips for a server. An
    /// SQLite database in memory would be lost with its last connection, so its URL is refused.
    #[must_use]
    pub fn reset_session(mut self, reset: bool) -> Self {
        self.reset_session = reset;
        self
    }

    /// What a pool is started with.
    pub(super) fn into_parts(self) -> (Sqlx<DB>, Settings) {
        let Self { options, dialect, reset_session, settings, hooks, .. } = self;
        let limits = settings.hooks.clone();
        let (before_connect, after_connect) = Default::default();
        let sqlx =
            Sqlx { options, dialect, reset_session, hooks, limits, before_connect, after_connect };
        (sqlx, settings)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.reset_session && self.is_in_memory {
            let problem =
                "needs connections that may be closed, and a database in memory would go with them";
            return Err(ConfigError::new("reset_session", problem));
        }
        self.settings.validate()
    }
}

impl<DB: Database> ConnectionManager<DB> {
    /// Opens a pool of its own, beside any other. See [`Pool::start`].
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(2);
    /// let manager = pool::ConnectionManager::connect(config).await?;
    /// let mut connection = manager.acquire().await?;
    /// let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&mut *connection).await?;
    /// assert_eq!(one, 1);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When the configuration is wrong, or one of the first connections cannot be opened.
    pub async fn connect(config: Config<DB>) -> Result<Self, StartError> {
        config.validate()?;
        let (connector, settings) = config.into_parts();
        Pool::start(connector, settings).await
    }
}

/// Whether the URL names an SQLite database that is nowhere but in memory.
fn is_in_memory(url: &str) -> bool {
    url.starts_with("sqlite:") && (url.contains(":memory:") || url.contains("mode=memory"))
}

/// Variables by name.
pub(super) struct Vars<F> {
    pub(super) look_up: F,
}

impl<F: Fn(&str) -> Option<String>> Vars<F> {
    /// A number, or `off` for none.
    pub(super) fn number_or_off<T: FromStr + Default>(
        &self,
        name: &str,
        field: &mut Option<T>,
    ) -> Result<(), ConfigError> {
        if self.is_off(name) {
            *field = None;
        } else if (self.look_up)(name).is_some() {
            self.number(name, field.insert(T::default()))?;
        }
        Ok(())
    }

    fn is_off(&self, name: &str) -> bool {
        (self.look_up)(name).is_some_and(|text| text.trim() == "off")
    }

    pub(super) fn number<T: FromStr>(&self, name: &str, field: &mut T) -> Result<(), ConfigError> {
        let Some(text) = (self.look_up)(name) else { return Ok(()) };
        *field = text
            .trim()
            .parse()
            .map_err(|_| ConfigError::new(name, format!("'{text}' is not a whole number")))?;
        Ok(())
    }

    pub(super) fn flag(&self, name: &str, field: &mut bool) -> Result<(), ConfigError> {
        let Some(text) = (self.look_up)(name) else { return Ok(()) };
        *field = text
            .trim()
            .parse()
            .map_err(|_| ConfigError::new(name, format!("'{text}' is neither true nor false")))?;
        Ok(())
    }

    pub(super) fn millis(&self, name: &str, field: &mut Duration) -> Result<(), ConfigError> {
        let mut millis = None;
        self.number_or(name, &mut millis)?;
        *field = millis.map_or(*field, Duration::from_millis);
        Ok(())
    }

    pub(super) fn millis_or_off(
        &self,
        name: &str,
        field: &mut Option<Duration>,
    ) -> Result<(), ConfigError> {
        if self.is_off(name) {
            *field = None;
            return Ok(());
        }
        let mut millis = None;
        self.number_or(name, &mut millis)?;
        *field = millis.map(Duration::from_millis).or(*field);
        Ok(())
    }

    fn ageing(&self, field: &mut Option<Ageing>) -> Result<(), ConfigError> {
        match (self.look_up)("POOL_AGEING").as_deref().map(str::trim) {
            None => {}
            Some("off") => {
                *field = None;
                return Ok(());
            }
            Some(other) => {
                return Err(ConfigError::new("POOL_AGEING", format!("'{other}' is not off")));
            }
        }
        let ageing = field.get_or_insert_default();
        self.millis("POOL_AGEING_NORMAL", &mut ageing.normal)?;
        self.millis("POOL_AGEING_LOW", &mut ageing.low)
    }

    fn adaptive(&self, field: &mut Option<Adaptive>) -> Result<(), ConfigError> {
        let names = ["MIN_MAX", "MAX_MAX", "EVERY", "WAIT_TARGET"]
            .map(|end| format!("POOL_ADAPTIVE_{end}"));
        if names.iter().all(|name| (self.look_up)(name).is_none()) {
            return Ok(());
        }
        let [min_max, max_max, every, wait_target] = &names;
        let adaptive = field.get_or_insert_default();
        self.number(min_max, &mut adaptive.min_max)?;
        self.number(max_max, &mut adaptive.max_max)?;
        self.millis(every, &mut adaptive.every)?;
        self.millis(wait_target, &mut adaptive.wait_target)
    }

    fn number_or(&self, name: &str, field: &mut Option<u64>) -> Result<(), ConfigError> {
        if (self.look_up)(name).is_none() {
            return Ok(());
        }
        let mut number = 0;
        self.number(name, &mut number)?;
        *field = Some(number);
        Ok(())
    }
}

impl<DB: Database> Clone for Config<DB> {
    fn clone(&self) -> Self {
        Self {
            options: self.options.clone(),
            dialect: self.dialect,
            reset_session: self.reset_session,
            is_in_memory: self.is_in_memory,
            settings: self.settings.clone(),
            hooks: self.hooks.clone(),
        }
    }
}

impl<DB: Database> fmt::Debug for Config<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the options: they may show a password.
        f.debug_struct("Config")
            .field("dialect", &self.dialect)
            .field("reset_session", &self.reset_session)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<'de, DB: Database> Deserialize<'de> for Config<DB> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            url: String,
            #[serde(default)]
            reset_session: bool,
            #[serde(default)]
            settings: Settings,
        }
        let fields = Fields::deserialize(deserializer)?;
        let config = Self::new(&fields.url).map_err(serde::de::Error::custom)?;
        let config =
            Self { settings: fields.settings, ..config.reset_session(fields.reset_session) };
        config.validate().map_err(serde::de::Error::custom)?;
        Ok(config)
    }
}
