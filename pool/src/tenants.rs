//! What tenants may have.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::settings::millis;

/// What one tenant may have. A tenant is named by [`Ask::tenant`](crate::Ask::tenant), or by a
/// [`Tenant`](crate::Tenant) handle.
///
/// A connection that comes back goes, of the tenants that wait and are below their maxima,
///
/// 1. to one that has less than it is guaranteed;
/// 2. then to the one that has least for its weight;
/// 3. then to the one that was served least for its weight, counted from when it last began to wait;
/// 4. then to the one whose first caller came first.
///
/// Those who name no tenant count as one more, of weight 1, without a maximum or a share. Within a tenant,
/// callers are served by [`Priority`](crate::Priority) and in the order of coming.
///
/// Nothing is kept back: a tenant may use all that others leave. What they want back they get as it is given
/// back. So a tenant that has less than its share waits for **one** connection to come back for each caller,
/// its own or of another tenant that has less than its share, that goes first; however many others wait.
///
/// ```
/// use pool::TenantLimits;
///
/// let limits = TenantLimits::new().max(5).share_percent(20).weight(2);
/// assert_eq!((limits.max, limits.share_percent, limits.weight), (Some(5), 20, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantLimits {
    /// How many connections it may have at once. Default: `None`, as many as there are.
    pub max: Option<usize>,
    /// How many per cent of the pool's maximum it is guaranteed, rounded down to whole connections. Those of
    /// all tenants add up to at most 100. Default: 0.
    ///
    /// A tenant without a share, and those who name no tenant, have what the shares leave: the maximum less all
    /// that is guaranteed, and what of that is not wanted. **If the shares add up to all connections, and those
    /// who have them want them all the time, others get none**, however long they wait. So leave in the shares
    /// what others have to have.
    pub share_percent: u8,
    /// How much it gets beside others that want more than there is, from 1 to 1000: twice as much as one of
    /// half the weight. Default: 1.
    pub weight: u32,
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self { max: None, share_percent: 0, weight: 1 }
    }
}

impl TenantLimits {
    const MOST_WEIGHT: u32 = 1_000;

    /// No maximum, no share, and the weight 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many connections it may have at once.
    #[must_use]
    pub fn max(self, max: usize) -> Self {
        Self { max: Some(max), ..self }
    }

    /// Sets what it is guaranteed, in per cent of the pool's maximum.
    #[must_use]
    pub fn share_percent(self, share_percent: u8) -> Self {
        Self { share_percent, ..self }
    }

    /// Sets how much it gets beside others.
    #[must_use]
    pub fn weight(self, weight: u32) -> Self {
        Self { weight, ..self }
    }

    /// How many of `all` connections it is guaranteed.
    pub(crate) fn guaranteed(&self, all: usize) -> usize {
        // In two parts, which cannot overflow.
        let share = usize::from(self.share_percent);
        all / 100 * share + all % 100 * share / 100
    }

    /// Checks the limits of `tenant` in a pool of `all` connections.
    pub(crate) fn validate(&self, tenant: &str, all: usize) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: String| {
            Err(ConfigError::new(format!("tenants.{tenant}.{field}"), problem))
        };
        if self.max == Some(0) {
            return wrong("max", String::from("must be at least 1"));
        }
        if self.weight == 0 || self.weight > Self::MOST_WEIGHT {
            let problem = format!("{} is not from 1 to {}", self.weight, Self::MOST_WEIGHT);
            return wrong("weight", problem);
        }
        let (share, guaranteed) = (self.share_percent, self.guaranteed(all));
        if share > 100 {
            return wrong("share_percent", format!("{share} is more than 100"));
        }
        if share > 0 && guaranteed == 0 {
            let problem = format!("{share} % of {all} connections are less than one");
            return wrong("share_percent", problem);
        }
        match self.max {
            Some(max) if max < guaranteed => {
                wrong("max", format!("{max} is less than its share, which is {guaranteed}"))
            }
            _ => Ok(()),
        }
    }
}

/// Which tenants there are. They may also come, go and change while the pool runs: see
/// [`Pool::set_tenant`](crate::Pool::set_tenant).
///
/// ```
/// use pool::{Settings, TenantLimits, Tenants};
///
/// let named = [("acme", 60), ("bolt", 50)]
///     .map(|(name, share)| (name.to_string(), TenantLimits::new().share_percent(share)));
/// let tenants = Tenants { named: named.into(), ..Default::default() };
/// let error = Settings { tenants, ..Default::default() }.validate().unwrap_err();
/// let problem = "tenants.bolt.share_percent: 50 % and the 60 % of others are more than 100 %";
/// assert_eq!(error.to_string(), problem);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tenants {
    /// What those may have that are known from the start.
    pub named: BTreeMap<String, TenantLimits>,
    /// What any other may have; it cannot have a share. `None`: others are refused, with
    /// [`Error::UnknownTenant`](crate::Error::UnknownTenant). Default: no limits.
    pub others: Option<TenantLimits>,
    /// A tenant that was not named, and got and wanted nothing for this long, is forgotten by the next
    /// maintenance, with its statistics. Default: 10 min.
    #[serde(with = "millis")]
    pub forget_after: Duration,
}

impl Default for Tenants {
    fn default() -> Self {
        Self {
            named: BTreeMap::new(),
            others: Some(TenantLimits::default()),
            forget_after: Duration::from_secs(10 * 60),
        }
    }
}

impl Tenants {
    pub(crate) fn validate(&self, all: usize) -> Result<(), ConfigError> {
        let mut shares = 0;
        for (name, limits) in &self.named {
            limits.validate(name, all)?;
            check_shares(name, limits, shares)?;
            shares += u32::from(limits.share_percent);
        }
        let Some(others) = &self.others else { return Ok(()) };
        if others.share_percent > 0 {
            let problem = "must be 0: any number of tenants may come";
            return Err(ConfigError::new("tenants.others.share_percent", problem));
        }
        others.validate("others", all)
    }
}

/// Checks that a tenant's share and those of others are not more than there is.
pub(crate) fn check_shares(
    tenant: &str,
    limits: &TenantLimits,
    others: u32,
) -> Result<(), ConfigError> {
    let share = limits.share_percent;
    if u32::from(share) + others <= 100 {
        return Ok(());
    }
    let problem = format!("{share} % and the {others} % of others are more than 100 %");
    Err(ConfigError::new(format!("tenants.{tenant}.share_percent"), problem))
}
