//! Tenants of a pool: handles, the registry, and how each stands.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use concurrent_ordered_map::ConcurrentOrderedMap;
use tokio::time::Instant;

use crate::acquiring::{Acquiring, try_acquire};
use crate::ask::Ask;
use crate::connector::Connector;
use crate::core::{Caller, Standing, Tenancy, Unset};
use crate::error::{ConfigError, Error};
use crate::event::event;
use crate::guard::Guard;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stats::TenantStats;
use crate::tenants::{TenantLimits, check_shares};

/// A pool in the name of a tenant. Cheap to clone.
///
/// Over sqlx, a reference to it is an [`Executor`](sqlx::Executor), too.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pool::{Config, ConnectionManager, TenantLimits};
///
/// let config = Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(4);
/// let manager = ConnectionManager::connect(config).await?;
/// manager.set_tenant("acme", TenantLimits::new().max(2).share_percent(25))?;
///
/// let acme = manager.tenant("acme");
/// let connection = acme.acquire().await?;
/// assert_eq!(acme.stats().unwrap().in_use, 1);
/// let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&acme).await?;
/// # assert_eq!(one, 1);
/// # drop(connection);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
pub struct Tenant<C: Connector> {
    pool: Pool<C>,
    name: Arc<str>,
}

impl<C: Connector> Clone for Tenant<C> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), name: Arc::clone(&self.name) }
    }
}

impl<C: Connector> fmt::Debug for Tenant<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<C: Connector> Tenant<C> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The pool of which it is.
    pub fn pool(&self) -> &Pool<C> {
        &self.pool
    }

    /// As [`Pool::acquire`], in the name of this tenant.
    ///
    /// # Errors
    /// As there, and [`Error::UnknownTenant`].
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.acquire_by(Location::caller(), Ask::new())
    }

    /// As [`Pool::acquire_timeout`], in the name of this tenant.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire).
    #[track_caller]
    pub fn acquire_timeout(
        &self,
        limit: Duration,
    ) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.acquire_by(Location::caller(), Ask::new().within(limit))
    }

    /// As [`Pool::acquire_with`], in the name of this tenant, whatever the `ask` says about that.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire).
    #[track_caller]
    pub fn acquire_with(
        &self,
        ask: impl Into<Ask>,
    ) -> impl Future<Output = Result<Guard<C>, Error>> + Send + '_ {
        self.acquire_by(Location::caller(), ask.into())
    }

    /// As [`Pool::try_acquire`], in the name of this tenant.
    ///
    /// # Errors
    /// As there, and [`Error::UnknownTenant`].
    #[track_caller]
    pub fn try_acquire(&self) -> Result<Guard<C>, Error> {
        try_acquire(&self.pool.shared, Location::caller(), &self.named(Ask::new()))
    }

    /// How it stands. None if it is not known, since it has not asked for anything yet, or not for long.
    pub fn stats(&self) -> Option<TenantStats> {
        let tenancy = self.pool.shared.tenants.get(&*self.name)?;
        let standings = self.pool.shared.core.standings();
        let standing = standings.into_iter().find(|standing| standing.id == tenancy.account)?;
        Some(stats(&tenancy, &standing))
    }

    pub(crate) fn acquire_by(&self, by: &'static Location<'static>, ask: Ask) -> Acquiring<'_, C> {
        self.pool.acquire_by(by, self.named(ask))
    }

    pub(crate) fn named(&self, ask: Ask) -> Ask {
        Ask { tenant: Some(Arc::clone(&self.name)), ..ask }
    }
}

impl<C: Connector> Pool<C> {
    /// The pool in the name of a tenant: with its maximum, its share, and a queue and statistics of its own.
    ///
    /// Answers at once and for any name. Whether the tenant is known is seen when it asks for something.
    pub fn tenant(&self, name: impl Into<Arc<str>>) -> Tenant<C> {
        Tenant { pool: self.clone(), name: name.into() }
    }

    /// Sets what a tenant may have, which so becomes known if it was not. Connections that it has already are
    /// left to it.
    ///
    /// # Errors
    /// When the limits make no sense, or its share and those of others are more than 100 %. Then nothing is
    /// changed.
    pub fn set_tenant(
        &self,
        name: impl Into<Arc<str>>,
        limits: TenantLimits,
    ) -> Result<(), ConfigError> {
        let name = name.into();
        limits.validate(&name, self.shared.settings.least_max())?;
        self.shared.set_tenant(&name, &limits, true)?;
        event!(info, self.shared, { tenant = &*name, max = limits.max, share_percent = limits.share_percent, weight = limits.weight, }, "tenant set");
        self.shared.pump();
        Ok(())
    }

    /// Takes back what was set about a tenant. From now on it is one of the others: it has their limits, or is
    /// refused if they are. Those of its callers who wait still wait. Answers whether anything was set.
    pub fn remove_tenant(&self, name: &str) -> bool {
        let Some(tenancy) = self.shared.tenants.get(name).filter(|tenancy| tenancy.is_named())
        else {
            return false;
        };
        let limits = self.shared.settings.tenants.others.clone().unwrap_or_default();
        // Others have no share, so it does not fail; and a named one is not forgotten.
        let is_removed = self.shared.core.set_limits(&tenancy, limits, false).is_ok();
        event!(info, self.shared, { tenant = name, }, "tenant removed");
        self.shared.pump();
        is_removed
    }
}

/// The tenants by name.
pub(crate) type Registry = ConcurrentOrderedMap<Arc<str>, Arc<Tenancy>>;

impl<C: Connector> Shared<C> {
    /// Looks up a tenant, who comes into being if unknown ones may.
    pub(crate) fn tenancy(&self, name: &Arc<str>) -> Result<Arc<Tenancy>, Error> {
        let known = self.tenants.get(&**name);
        match (known, &self.settings.tenants.others) {
            (Some(known), others) if others.is_some() || known.is_named() => Ok(known),
            (None, Some(others)) => Ok(self.open_tenancy(name, others)),
            _ => Err(Error::UnknownTenant { tenant: String::from(&**name) }),
        }
    }

    fn open_tenancy(&self, name: &Arc<str>, limits: &TenantLimits) -> Arc<Tenancy> {
        let now = Instant::now();
        let account = self.core.open_account(limits.clone(), now);
        let opened = Tenancy::new(Arc::clone(name), account);
        #[cfg(feature = "rate-limit")]
        let opened =
            opened.limited_by(self.gate.limits.as_ref().and_then(|all| all.of_tenant(name)));
        let opened = Arc::new(opened);
        let tenancy = self.tenants.get_or_insert_with(Arc::clone(name), || Arc::clone(&opened));
        if !Arc::ptr_eq(&tenancy, &opened) {
            // Another caller was faster, and nobody knows of this one.
            self.core.forget(&opened, now);
        }
        tenancy
    }

    /// Looks up again the tenant of a caller that was forgotten since.
    pub(crate) fn look_up_anew(&self, caller: &mut Caller) -> Result<(), Error> {
        if let Some(tenant) = &mut caller.tenant {
            self.forget_tenancy(tenant);
            *tenant = self.tenancy(&tenant.name)?;
        }
        Ok(())
    }

    /// Takes a tenant off the registry whose account was closed.
    fn forget_tenancy(&self, forgotten: &Arc<Tenancy>) {
        let session = self.tenants.pin();
        session.remove_if(&*forgotten.name, |_, tenancy| Arc::ptr_eq(tenancy, forgotten));
    }

    /// Forgets tenants that were not named and got and wanted nothing for long.
    pub(crate) fn forget_tenants(&self) {
        let Some(before) = Instant::now().checked_sub(self.settings.tenants.forget_after) else {
            return;
        };
        for (name, tenancy) in self.tenants.iter() {
            if self.core.forget(&tenancy, before) {
                self.forget_tenancy(&tenancy);
                event!(debug, self, { tenant = &*name, }, "tenant forgotten");
            }
        }
    }

    pub(crate) fn set_tenant(
        &self,
        name: &Arc<str>,
        limits: &TenantLimits,
        is_named: bool,
    ) -> Result<(), ConfigError> {
        loop {
            let tenancy = match self.tenants.get(&**name) {
                Some(known) => known,
                None => self.open_tenancy(name, &TenantLimits::default()),
            };
            match self.core.set_limits(&tenancy, limits.clone(), is_named) {
                Ok(()) => return Ok(()),
                Err(Unset::Shares(others)) => return check_shares(name, limits, others),
                Err(Unset::Forgotten) => self.forget_tenancy(&tenancy),
            }
        }
    }

    /// How the tenants stand.
    pub(crate) fn tenant_stats(&self, standings: Vec<Standing>) -> Vec<TenantStats> {
        if standings.is_empty() {
            return vec![];
        }
        let by_account: HashMap<_, _> =
            standings.into_iter().map(|standing| (standing.id, standing)).collect();
        let row = |(_, tenancy): (_, Arc<Tenancy>)| {
            by_account.get(&tenancy.account).map(|standing| stats(&tenancy, standing))
        };
        self.tenants.iter().filter_map(row).collect()
    }
}

fn stats(tenancy: &Tenancy, standing: &Standing) -> TenantStats {
    let wait = tenancy.wait();
    TenantStats {
        name: String::from(&*tenancy.name),
        is_named: tenancy.is_named(),
        max: standing.limits.max,
        guaranteed: standing.guaranteed,
        weight: standing.limits.weight,
        in_use: standing.in_use,
        waiting: standing.waiting,
        served: wait.count,
        refused: tenancy.refused(),
        given_up: tenancy.given_up(),
        wait,
    }
}
