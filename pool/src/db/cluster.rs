//! A primary and its replicas over sqlx.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Deserializer};
use sqlx::Database;

use super::config::Vars;
use super::{Config, Sqlx};
use crate::cluster::{Cluster, ClusterSettings};
use crate::error::ConfigError;
use crate::pool::StartError;

/// A cluster of sqlx databases. See [`Cluster`] for its methods, and [`ClusterConfig`] for how to get one.
///
/// A borrowed connection is used as any other; `cluster.primary()` is a
/// [`ConnectionManager`](crate::ConnectionManager), and so an sqlx executor.
pub type DatabaseCluster<DB> = Cluster<Sqlx<DB>>;

/// What can be set about a cluster of sqlx databases.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pool::{ClusterConfig, Config, Routing};
///
/// # let url = "sqlite::memory:";
/// # let (primary_url, replica_url) = (url, url);
/// let endpoint = |url| Config::<sqlx::Sqlite>::new(url).map(|config| config.min(1).max(4));
/// let cluster = ClusterConfig::new(endpoint(primary_url)?)
///     .replica(endpoint(replica_url)?)
///     .set(|settings| settings.routing = Routing::RoundRobin)
///     .connect()
///     .await?;
///
/// let mut connection = cluster.read().await?; // of the replica
/// let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&mut *connection).await?;
/// let mut connection = cluster.write().await?; // of the primary
/// # sqlx::query("SELECT 1").execute(&mut *connection).await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
///
/// It deserializes from `primary`, and optionally `replicas` (each as [`Config`] does) and `settings` (see
/// [`ClusterSettings`]).
pub struct ClusterConfig<DB: Database> {
    primary: Config<DB>,
    replicas: Vec<Config<DB>>,
    settings: ClusterSettings,
}

impl<DB: Database> ClusterConfig<DB> {
    /// A cluster of this primary, without replicas so far.
    pub fn new(primary: Config<DB>) -> Self {
        Self { primary, replicas: Vec::new(), settings: ClusterSettings::default() }
    }

    /// Adds a replica.
    #[must_use]
    pub fn replica(mut self, replica: Config<DB>) -> Self {
        self.replicas.push(replica);
        self
    }

    /// Sets any of the [`ClusterSettings`].
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut ClusterSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The settings.
    pub fn settings(&self) -> &ClusterSettings {
        &self.settings
    }

    /// The replicas, in their order.
    pub fn replicas(&self) -> &[Config<DB>] {
        &self.replicas
    }

    /// Reads the environment: what [`Config::from_env`] reads, for the primary and for each replica, and
    /// `DATABASE_REPLICA_URLS` (the replicas' URLs with commas between them; a comma in a URL is written
    /// `%2C`), `CLUSTER_ROUTING` (`least_loaded` or `round_robin`), `CLUSTER_READS` (`replicas`, `any` or
    /// `replicas_only`), and in milliseconds `CLUSTER_FAIL_OVER_AFTER` and `CLUSTER_PROBE_EVERY`.
    ///
    /// # Errors
    /// Names the variable that is missing or cannot be read, or the setting that makes no sense.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), from variables that are looked up by a function.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        const REPLICAS: &str = "DATABASE_REPLICA_URLS";
        let mut config = Self::new(Config::from_vars(&look_up)?);
        let urls = look_up(REPLICAS).unwrap_or_default();
        for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            let of_replica = |name: &str| match name {
                "DATABASE_URL" => Some(String::from(url)),
                name => look_up(name),
            };
            let replica =
                Config::from_vars(of_replica).map_err(|error| match error.field.as_str() {
                    "DATABASE_URL" => ConfigError { field: String::from(REPLICAS), ..error },
                    _ => error,
                })?;
            config.replicas.push(replica);
        }
        let vars = Vars { look_up };
        let settings = &mut config.settings;
        choice(&vars, "CLUSTER_ROUTING", &mut settings.routing)?;
        choice(&vars, "CLUSTER_READS", &mut settings.reads)?;
        vars.millis("CLUSTER_FAIL_OVER_AFTER", &mut settings.fail_over_after)?;
        vars.millis("CLUSTER_PROBE_EVERY", &mut settings.probe_every)?;
        config.validate()?;
        Ok(config)
    }

    /// Checks that the settings make sense together.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.primary.validate()?;
        self.replicas.iter().try_for_each(Config::validate)?;
        self.settings.validate(self.replicas.len())
    }

    /// Opens the cluster. See [`Cluster::start`].
    ///
    /// # Errors
    /// When the configuration is wrong, or no endpoint can be reached.
    pub async fn connect(self) -> Result<DatabaseCluster<DB>, StartError> {
        self.validate()?;
        let replicas = self.replicas.into_iter().map(Config::into_parts).collect();
        Cluster::start(self.primary.into_parts(), replicas, self.settings).await
    }
}

/// One of the names that serde knows.
fn choice<T: DeserializeOwned>(
    vars: &Vars<impl Fn(&str) -> Option<String>>,
    name: &str,
    field: &mut T,
) -> Result<(), ConfigError> {
    let Some(text) = (vars.look_up)(name) else { return Ok(()) };
    *field = T::deserialize(StrDeserializer::<ValueError>::new(text.trim()))
        .map_err(|error| ConfigError::new(name, error.to_string()))?;
    Ok(())
}

impl<DB: Database> Clone for ClusterConfig<DB> {
    fn clone(&self) -> Self {
        Self {
            primary: self.primary.clone(),
            replicas: self.replicas.clone(),
            settings: self.settings.clone(),
        }
    }
}

impl<DB: Database> fmt::Debug for ClusterConfig<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterConfig")
            .field("primary", &self.primary)
            .field("replicas", &self.replicas)
            .field("settings", &self.settings)
            .finish()
    }
}

impl<'de, DB: Database> Deserialize<'de> for ClusterConfig<DB> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, bound = "")]
        struct Fields<DB: Database> {
            primary: Config<DB>,
            #[serde(default = "Vec::new")]
            replicas: Vec<Config<DB>>,
            #[serde(default)]
            settings: ClusterSettings,
        }
        let Fields { primary, replicas, settings } = Fields::deserialize(deserializer)?;
        let config = Self { primary, replicas, settings };
        config.validate().map_err(serde::de::Error::custom)?;
        Ok(config)
    }
}
