//! Several database servers: a primary and its replicas, each with a pool.

mod endpoint;
mod routing;
mod settings;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use self::endpoint::Endpoint;
pub use self::endpoint::EndpointStats;
pub use self::settings::{ClusterSettings, Reads, Role, Routing};
use crate::ask::Ask;
use crate::connector::Connector;
use crate::error::{Cause, Error};
use crate::guard::Guard;
use crate::pool::{Pool, StartError};
use crate::settings::Settings;
use crate::sync::{Count, Ordering};

/// A primary and its replicas, each with a pool of its own. Cheap to clone: clones are handles of one cluster.
///
/// Reads go to the replicas, writes to the primary. Whoever replicates is none of this crate's business: it
/// neither copies anything nor makes a replica a primary.
///
/// **Fail-over.** An endpoint is down from the moment at which an acquire on it fails to connect, or ends
/// late since connecting or checking hang. That very read goes on to the next endpoint that may serve it,
/// within its deadline; later ones do not ask the one that is down. One whose connections are all taken is
/// not down: after [`ClusterSettings::fail_over_after`] a read asks another one, too. When every one is down,
/// every one is asked all the same.
///
/// **Return.** Every [`ClusterSettings::probe_every`] a task borrows a connection of each endpoint that is down.
/// When that works it is asked again.
///
/// **Read-only.** While the primary is down, reads are served by the replicas, and writes fail at once
/// ([`Error::ReadOnly`]) with the reason.
///
/// A connection that dies while it is borrowed shows it to its borrower, as everywhere: no query is sent twice.
///
/// A read costs, beyond its acquire, a short lock or two for each endpoint, and no allocation.
pub struct Cluster<C: Connector> {
    pub(crate) inner: Arc<Inner<C>>,
}

pub(crate) struct Inner<C: Connector> {
    /// The primary is the first.
    endpoints: Box<[Arc<Endpoint<C>>]>,
    settings: ClusterSettings,
    /// Who is asked first, among equals.
    turn: Count,
    fail_overs: Count,
    probing: Option<AbortHandle>,
}

/// What a cluster says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterStats {
    /// Whether the primary is down, so that nothing can be written.
    pub is_read_only: bool,
    /// How many reads were served by another endpoint than the first that was asked.
    pub fail_overs: u64,
    /// The primary, then the replicas in their order.
    pub endpoints: Vec<EndpointStats>,
}

impl<C: Connector> Clone for Cluster<C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<C: Connector> Cluster<C> {
    /// Opens a pool for each endpoint, beside each other. Those that cannot be reached are down at first, so
    /// that a service starts although a replica is missing, or read-only.
    ///
    /// Pools of the same name get `-primary` and `-replica-<n>` after it.
    ///
    /// Cancel-safe: what was opened is closed again.
    ///
    /// # Errors
    /// When settings are wrong, or no endpoint can be reached.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    pub async fn start(
        primary: (C, Settings),
        replicas: Vec<(C, Settings)>,
        settings: ClusterSettings,
    ) -> Result<Self, StartError> {
        settings.validate(replicas.len())?;
        let mut sources = vec![primary];
        sources.extend(replicas);
        rename(&mut sources);
        for (_, settings) in &sources {
            settings.validate()?;
        }
        let starts: Vec<_> = sources
            .into_iter()
            .map(|(connector, settings)| tokio::spawn(Pool::start_anyway(connector, settings)))
            .collect();
        let (mut endpoints, mut causes) = (Vec::new(), Vec::new());
        for start in starts {
            let role = if endpoints.is_empty() { Role::Primary } else { Role::Replica };
            let (pool, failed) = match start.await {
                Ok(started) => started?,
                Err(panic) => return Err(StartError::Connect(cannot(Arc::new(panic)))),
            };
            let endpoint = Endpoint::new(role, pool);
            if let Some(cause) = failed {
                endpoint.goes_down(Arc::clone(&cause));
                causes.push(cause);
            }
            endpoints.push(Arc::new(endpoint));
        }
        if causes.len() == endpoints.len() {
            return Err(StartError::Connect(cannot(causes.swap_remove(0))));
        }
        Ok(Self::over(endpoints, settings))
    }

    fn over(endpoints: Vec<Arc<Endpoint<C>>>, settings: ClusterSettings) -> Self {
        let inner = Arc::new_cyclic(|inner| {
            let probing = tokio::spawn(probe(Weak::clone(inner), settings.probe_every));
            Inner {
                endpoints: endpoints.into(),
                settings,
                turn: Count::new(0),
                fail_overs: Count::new(0),
                probing: Some(probing.abort_handle()),
            }
        });
        Self { inner }
    }

    /// Borrows a connection to read with, which may show a state that is some time old: see [`Reads`].
    ///
    /// Cancel-safe, as [`Pool::acquire`] is.
    ///
    /// # Errors
    /// That of the last endpoint that was asked, after [`Settings::acquire_timeout`] of the primary at the
    /// latest.
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.inner.read_by(Location::caller(), Ask::new())
    }

    /// As [`read`](Self::read), asked for in another way.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    #[track_caller]
    pub fn read_with(
        &self,
        ask: impl Into<Ask>,
    ) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.inner.read_by(Location::caller(), ask.into())
    }

    /// Borrows a connection of the primary, to write, or to read what was just written.
    ///
    /// Cancel-safe, as [`Pool::acquire`] is.
    ///
    /// # Errors
    /// As for [`Pool::acquire`]; [`Error::ReadOnly`] at once while the primary is down.
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.inner.write_by(Location::caller(), Ask::new())
    }

    /// As [`write`](Self::write), asked for in another way.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    #[track_caller]
    pub fn write_with(
        &self,
        ask: impl Into<Ask>,
    ) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.inner.write_by(Location::caller(), ask.into())
    }

    /// The primary's pool, for what wants a pool; with sqlx it is an executor. Whether the primary is down is
    /// not asked, nor noted, on this way: [`writer`](Self::writer) does both.
    pub fn primary(&self) -> &Pool<C> {
        &self.inner.endpoints[0].pool
    }

    /// The replicas' pools, in their order.
    pub fn replicas(&self) -> impl ExactSizeIterator<Item = &Pool<C>> {
        self.inner.endpoints[1..].iter().map(|endpoint| &endpoint.pool)
    }

    /// Whether the primary is down, so that nothing can be written.
    pub fn is_read_only(&self) -> bool {
        !self.inner.endpoints[0].is_up()
    }

    /// What the cluster and each of its pools say about themselves now.
    pub fn stats(&self) -> ClusterStats {
        ClusterStats {
            is_read_only: self.is_read_only(),
            // Ordering: Relaxed; a statistic.
            fail_overs: self.inner.fail_overs.load(Ordering::Relaxed),
            endpoints: self.inner.endpoints.iter().map(|endpoint| endpoint.stats()).collect(),
        }
    }

    /// Closes all pools, beside each other: see [`Pool::close`].
    ///
    /// # Errors
    /// That of the first pool which could not be closed within the limit. All are closed all the same.
    pub async fn close(&self, limit: Duration) -> Result<(), Error> {
        if let Some(probing) = &self.inner.probing {
            probing.abort();
        }
        let pools = self.inner.endpoints.iter().map(|endpoint| endpoint.pool.clone());
        let closing: Vec<_> =
            pools.map(|pool| tokio::spawn(async move { pool.close(limit).await })).collect();
        let mut outcome = Ok(());
        for closed in closing {
            let closed = closed.await.unwrap_or_else(|panic| Err(cannot_close(panic)));
            outcome = outcome.and(closed);
        }
        outcome
    }
}

fn cannot(cause: Cause) -> Error {
    Error::Connect { cause }
}

fn cannot_close(panic: tokio::task::JoinError) -> Error {
    Error::CloseFailed { cause: Arc::new(panic) }
}

/// Tells pools of the same name from each other. Those without a name are called by what they connect to.
fn rename<C: Connector>(sources: &mut [(C, Settings)]) {
    for (connector, settings) in sources.iter_mut() {
        settings.name_after(connector);
    }
    let first = sources[0].1.name.clone();
    if sources.iter().skip(1).any(|(_, settings)| settings.name != first) {
        return;
    }
    for (at, (_, settings)) in sources.iter_mut().enumerate() {
        settings.name = match at {
            0 => format!("{first}-primary"),
            at => format!("{first}-replica-{at}"),
        };
    }
}

/// Sees now and then whether the endpoints that are down are back. Ends with the last handle.
async fn probe<C: Connector>(cluster: Weak<Inner<C>>, pause: Duration) {
    loop {
        sleep(pause).await;
        let Some(cluster) = cluster.upgrade() else { return };
        let down = cluster.endpoints.iter().filter(|endpoint| !endpoint.is_up());
        let limit = cluster.settings.fail_over_after;
        let probes: Vec<_> = down
            .map(|endpoint| {
                let endpoint = Arc::clone(endpoint);
                tokio::spawn(async move {
                    if endpoint.pool.acquire_timeout(limit).await.is_ok() {
                        endpoint.comes_back();
                    }
                })
            })
            .collect();
        drop(cluster);
        for probe in probes {
            // One that panics has not come back.
            let _ = probe.await;
        }
    }
}

impl<C: Connector> Drop for Inner<C> {
    fn drop(&mut self) {
        if let Some(probing) = self.probing.take() {
            probing.abort();
        }
    }
}

impl<C: Connector> fmt::Debug for Cluster<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pools: Vec<_> = self.inner.endpoints.iter().map(|endpoint| &endpoint.pool).collect();
        f.debug_struct("Cluster").field("pools", &pools).finish_non_exhaustive()
    }
}
