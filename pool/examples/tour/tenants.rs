//! Tenants: the flood of one leaves the others their connections.

use std::sync::Arc;
use std::time::Duration;

use pool::{Error, TenantLimits};
use tokio::sync::Semaphore;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "The flood of one tenant leaves the others their connections";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let check_after = Duration::from_secs(60);
    let manager =
        tour.connect("tenants", 4, 4, |settings| settings.check_after = check_after).await?;
    manager.set_tenant("acme", TenantLimits::new().max(3))?;
    let (acme, globex) = (manager.tenant("acme"), manager.tenant("globex"));
    let is_over = Arc::new(Semaphore::new(0));
    let flood: Vec<_> = (0..30)
        .map(|_| {
            let (acme, is_over) = (acme.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let _held = acme.acquire().await?;
                drop(is_over.acquire().await);
                Ok::<_, Error>(())
            })
        })
        .collect();
    while acme.stats().is_none_or(|stats| stats.waiting < 27) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(globex.acquire().await?);
    let (flooding, other) = (acme.stats(), globex.stats());
    is_over.add_permits(flood.len());
    for caller in flood {
        caller.await??;
    }
    let (flooding, other) = (flooding.ok_or("acme is gone")?, other.ok_or("globex is gone")?);
    ensure!(flooding.in_use == 3, "acme has {} connections of 3", flooding.in_use);
    ensure!(other.wait.max_ns == 0, "globex has waited: {other:?}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("{} of acme waited when globex was served at once", flooding.waiting))
}
