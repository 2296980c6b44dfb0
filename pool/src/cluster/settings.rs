//! What can be set about a cluster.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::settings::millis;

/// What an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes writes.
    Primary,
    /// It takes reads, and may be behind the primary.
    Replica,
}

/// Which of the endpoints that may serve a read is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// The one with the smallest share of its maximum lent or waited for; among equals, each in turn.
    #[default]
    LeastLoaded,
    /// Each in turn.
    RoundRobin,
}

/// Where reads may go. Replicas may be behind the primary: a read that has to see what was just written
/// belongs on a connection of [`Cluster::write`](crate::Cluster::write).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// To the replicas; to the primary when no replica can serve.
    #[default]
    Replicas,
    /// To the primary as to any replica.
    Any,
    /// To the replicas, never to the primary, whatever happens.
    ReplicasOnly,
}

/// What can be set about a cluster. Serialized durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Which endpoint is asked first.
    pub routing: Routing,
    /// Where reads may go.
    pub reads: Reads,
    /// How long a read waits at one endpoint while there is another that may serve it. Default: 1 s.
    #[serde(with = "millis")]
    pub fail_over_after: Duration,
    /// How often it is seen whether endpoints that are down are back. Default: 500 ms.
    #[serde(with = "millis")]
    pub probe_every: Duration,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            routing: Routing::default(),
            reads: Reads::default(),
            fail_over_after: Duration::from_secs(1),
            probe_every: Duration::from_millis(500),
        }
    }
}

impl ClusterSettings {
    /// Checks that the settings make sense with so many replicas.
    ///
    /// # Errors
    /// Names the first that does not.
    pub fn validate(&self, replicas: usize) -> Result<(), ConfigError> {
        if replicas == 0 && self.reads == Reads::ReplicasOnly {
            return Err(ConfigError::new("reads", "replicas_only needs a replica"));
        }
        if replicas > Self::MAX_REPLICAS {
            let problem = format!("{replicas} are more than {}", Self::MAX_REPLICAS);
            return Err(ConfigError::new("replicas", problem));
        }
        ConfigError::unless_positive(&[
            ("fail_over_after", Some(self.fail_over_after)),
            ("probe_every", Some(self.probe_every)),
        ])
    }

    /// How many replicas there may be.
    pub const MAX_REPLICAS: usize = 63;
}
