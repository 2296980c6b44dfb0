//! The life of connections: replacing, shrinking, filling up; expire, renew, reset and close.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::connector::Connector;
use crate::core::Lease;
use crate::error::Error;
use crate::event::event;
#[cfg(doc)]
use crate::health::Health;
use crate::pool::Pool;
use crate::reason::Reason;
use crate::shared::{Item, Shared};

impl<C: Connector> Pool<C> {
    /// Does what the maintenance task does now and then: closes idle connections whose lifetime is over or
    /// that were idle for too long, replaces those whose lifetime ends soon, fills up to the minimum, or to
    /// what a [warm-up](Self::warm_up) wants, checks what was idle for [`Health::idle_every`], and forgets
    /// tenants that were idle for too long.
    /// Returns when all that is done. Failures are told by events.
    ///
    /// Cancel-safe: what has begun is carried on by tasks.
    pub async fn maintain(&self) {
        self.shared.pump();
        self.shared.forget_tenants();
        self.shared.shrink().await;
        // While the circuit is open, nothing is tried but its probes; they fill up when it closes.
        if self.shared.core.is_tripped() {
            return;
        }
        self.shared.replace_old().await;
        self.shared.open_up_to(self.shared.floor()).await;
        self.shared.inspect_due().await;
    }

    /// Closes all idle connections now, and the borrowed ones when they come back.
    ///
    /// The minimum is opened anew, without being waited for.
    pub async fn expire_now(&self) {
        event!(info, self.shared, {}, "all connections expire now");
        let idle = self.shared.core.next_generation(Reason::ExpiredNow);
        self.shared.retire_all(idle, Reason::ExpiredNow).await;
    }

    /// Opens connections until there is the maximum. Answers how many were opened.
    ///
    /// # Errors
    /// [`Error::Connect`] when one of them could not be opened; others may have been.
    pub async fn renew(&self) -> Result<usize, Error> {
        match self.shared.open_up_to(self.shared.core.counts().max).await {
            (_, Some(cause)) => Err(Error::Connect { cause }),
            (opened, None) => {
                event!(info, self.shared, { opened, }, "filled up to the maximum");
                Ok(opened)
            }
        }
    }

    /// Replaces all connections without disturbing anybody: the idle ones at once, the borrowed ones when
    /// they come back. When it returns, the idle ones are closed and the minimum is open again, as far as the
    /// borrowed ones leave places for it.
    ///
    /// # Errors
    /// [`Error::Connect`] when a new one could not be opened.
    pub async fn reset(&self) -> Result<(), Error> {
        event!(info, self.shared, {}, "reset");
        let idle = self.shared.core.next_generation(Reason::Reset);
        self.shared.retire_all(idle, Reason::Reset).await;
        match self.shared.open_up_to(self.shared.settings.min).await {
            (_, Some(cause)) => Err(Error::Connect { cause }),
            (_, None) => Ok(()),
        }
    }

    /// Closes the pool: callers that wait or come get [`Error::Closed`], idle connections are closed, and
    /// the borrowed ones when they come back, for which this waits up to the limit. May be called again to
    /// wait longer.
    ///
    /// # Errors
    /// [`Error::StillBorrowed`] with the holders, or [`Error::Timeout`] when a connection could neither be
    /// opened nor closed within the limit. The pool is closed all the same.
    pub async fn close(&self, limit: Duration) -> Result<(), Error> {
        let (shared, begun) = (&self.shared, Instant::now());
        if !shared.core.is_closed() {
            event!(info, shared, {}, "closing");
        }
        for lease in shared.core.close() {
            drop(shared.retire(lease, Reason::Shutdown));
        }
        let tasks = std::mem::take(&mut *shared.tasks.lock());
        tasks.into_iter().for_each(|task| task.abort());
        loop {
            let mut emptied = std::pin::pin!(shared.emptied.notified());
            emptied.as_mut().enable();
            if shared.core.counts().open == 0 {
                event!(info, shared, {}, "closed");
                shared.record_gauges();
                return Ok(());
            }
            if timeout_at(begun + limit, emptied).await.is_err() {
                let holders = shared.holders();
                return Err(match holders.is_empty() {
                    false => Error::StillBorrowed { holders },
                    true => Error::Timeout { waited: begun.elapsed(), why: shared.why(None) },
                });
            }
        }
    }
}

impl<C: Connector> Shared<C> {
    async fn retire_all(self: &Arc<Self>, leases: Vec<Lease<Item<C>>>, reason: Reason) {
        let closing: Vec<_> = leases.into_iter().map(|lease| self.retire(lease, reason)).collect();
        for task in closing {
            // How closing went is told by the connection's event.
            let _ = task.await;
        }
    }

    /// Closes idle connections whose lifetime is over, and replaces those whose lifetime ends soon: the new
    /// one is opened first where there is a place for it.
    async fn replace_old(self: &Arc<Self>) {
        let lead = self.settings.max_lifetime.map_or(Duration::ZERO, |lifetime| lifetime / 4);
        let (now, soon) = (Instant::now(), Instant::now() + self.settings.renew_before.min(lead));
        let due: Vec<_> =
            self.expiry.iter().take_while(|((expires, _), _)| *expires <= soon).collect();
        for ((expires, id), slot) in due {
            let is_replaced_first = expires > now && self.open_one_more().await;
            let Some(lease) = self.core.retire_idle(slot, |live| live.id == id) else { continue };
            let _ = self.retire(lease, Reason::Expired).await;
            if expires > now && !is_replaced_first {
                self.open_one_more().await;
            }
        }
    }

    /// Opens one connection, if there is a place for it. Answers whether it did.
    async fn open_one_more(self: &Arc<Self>) -> bool {
        let counts = self.core.counts();
        let limit = (counts.open + 1).min(counts.max);
        self.open_up_to(limit).await.0 > 0
    }

    /// Closes connections that were idle for too long, but for those in the lowest places, as many as the
    /// minimum or a warm-up wants: these are the ones that are used first.
    async fn shrink(self: &Arc<Self>) {
        let Some(limit) = self.settings.idle_timeout else { return };
        let now = Instant::now();
        let rows = self.core.rows(|live| live.last_used + limit <= now);
        let live = rows.into_iter().filter(|row| !matches!(row.stage, "connecting" | "closing"));
        for row in live.skip(self.floor()).filter(|row| row.idle == Some(true)) {
            // It may have been borrowed meanwhile.
            let chosen = self.core.retire_idle(row.slot, |live| live.last_used + limit <= now);
            if let Some(lease) = chosen {
                let _ = self.retire(lease, Reason::Idle).await;
            }
        }
    }
}

/// Starts the maintenance task. It holds no pool: it ends with the last handle, or when the pool is closed.
pub(crate) fn start<C: Connector>(shared: &Arc<Shared<C>>) {
    let Some(pause) = shared.settings.maintenance_every else { return };
    let pool = Arc::downgrade(shared);
    let task = shared.runtime.spawn(run(pool, pause));
    shared.tasks.lock().push(task.abort_handle());
}

async fn run<C: Connector>(pool: Weak<Shared<C>>, pause: Duration) {
    loop {
        sleep(pause).await;
        let Some(shared) = pool.upgrade() else { return };
        let pool = Pool { shared };
        if pool.is_closed() {
            return;
        }
        pool.maintain().await;
    }
}
