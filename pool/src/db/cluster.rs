//! A primary and its replicas over sqlx.

use std::fmt;
use std::panic::Location;

use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::{Deserialize, Deserializer};
use sqlx::Database;

use super::config::Vars;
use super::transaction::{Transaction, begun};
use super::{Config, PooledConnection, Sqlx};
use crate::ask::Ask;
use crate::cluster::{Cluster, ClusterSettings, Role};
use crate::error::{ConfigError, Error};
use crate::pool::StartError;

/// A cluster of sqlx databases. See [`Cluster`] for its methods, and [`ClusterConfig`] for how to get one.
///
/// A borrowed connection is used as any other; [`reader`](Cluster::reader) and [`writer`](Cluster::writer)
/// answer sqlx executors.
pub type DatabaseCluster<DB> = Cluster<Sqlx<DB>>;

/// A cluster in the place of sqlx's pool: a reference to it is an [`Executor`](sqlx::Executor), which runs each
/// query on a connection of its own, borrowed as [`Cluster::read`] or [`Cluster::write`] does.
///
/// Got by [`DatabaseCluster::reader`](Cluster::reader) and [`DatabaseCluster::writer`](Cluster::writer). Cheap to
/// clone, and may be kept: it is a handle of the cluster.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use pool::{Ask, ClusterConfig, Config};
/// # let endpoint = || Config::<sqlx::Sqlite>::new("sqlite::memory:").map(|config| config.min(1).max(1));
/// # let cluster = ClusterConfig::new(endpoint()?).replica(endpoint()?).connect().await?;
/// let reads = cluster.reader();
/// let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&reads).await?; // on the replica
///
/// let imports = cluster.writer_with(Ask::new().tag("import"));
/// sqlx::query("CREATE TABLE t (n INTEGER)").execute(&imports).await?; // on the primary
/// let mut transaction = imports.begin().await?; // there, too
/// sqlx::query("INSERT INTO t VALUES (?)").bind(one).execute(&mut *transaction).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
///
/// A query that fails is not sent again, to any endpoint: what fails over is the borrowing before it.
///
/// Costs what [`Cluster::read`] does, and what sqlx's executors do: a future in a box for each query.
pub struct ClusterExecutor<DB: Database> {
    cluster: DatabaseCluster<DB>,
    role: Role,
    ask: Ask,
}

impl<DB: Database> DatabaseCluster<DB> {
    /// An executor for queries that read: each borrows as [`read`](Self::read) does, and has its errors.
    pub fn reader(&self) -> ClusterExecutor<DB> {
        self.reader_with(Ask::new())
    }

    /// As [`reader`](Self::reader), each asking in another way: with a tag, for a tenant, within a limit.
    pub fn reader_with(&self, ask: impl Into<Ask>) -> ClusterExecutor<DB> {
        ClusterExecutor { cluster: self.clone(), role: Role::Replica, ask: ask.into() }
    }

    /// An executor for queries that write: each borrows as [`write`](Self::write) does, and has its errors. So
    /// it fails at once while the primary is down, unlike one on [`primary`](Self::primary).
    pub fn writer(&self) -> ClusterExecutor<DB> {
        self.writer_with(Ask::new())
    }

    /// As [`writer`](Self::writer), each asking in another way.
    pub fn writer_with(&self, ask: impl Into<Ask>) -> ClusterExecutor<DB> {
        ClusterExecutor { cluster: self.clone(), role: Role::Primary, ask: ask.into() }
    }
}

impl<DB: Database> ClusterExecutor<DB> {
    /// Borrows a connection, as each query does that is run on this.
    ///
    /// Cancel-safe, as [`Pool::acquire`](crate::Pool::acquire) is.
    ///
    /// # Errors
    /// As for [`Cluster::read`] or [`Cluster::write`].
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<PooledConnection<DB>, Error>> + Send + '_ {
        self.acquire_by(Location::caller())
    }

    /// Borrows a connection and begins a transaction on it. A reader's sees one state of a replica throughout
    /// if the database isolates it so.
    ///
    /// Cancel-safe, as [`ConnectionManager::begin`](crate::ConnectionManager::begin) is.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire), and what beginning meets.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction<DB>, sqlx::Error>> + Send + '_ {
        begun(self.acquire_by(Location::caller()))
    }

    async fn acquire_by(
        &self,
        by: &'static Location<'static>,
    ) -> Result<PooledConnection<DB>, Error> {
        let ask = self.ask.clone();
        match self.role {
            Role::Replica => self.cluster.inner.read_by(by, ask).await,
            Role::Primary => self.cluster.inner.write_by(by, ask).await,
        }
    }
}

impl<DB: Database> Clone for ClusterExecutor<DB> {
    fn clone(&self) -> Self {
        Self { cluster: self.cluster.clone(), role: self.role, ask: self.ask.clone() }
    }
}

impl<DB: Database> fmt::Debug for ClusterExecutor<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterExecutor")
            .field("role", &self.role)
            .field("ask", &self.ask)
            .finish_non_exhaustive()
    }
}

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
/// let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&cluster.reader()).await?; // on the replica
/// let mut connection = cluster.write().await?; // of the primary
/// sqlx::query("SELECT 1").execute(&mut *connection).await?;
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
