//! What the pool says about itself: statistics, holders, and what stands in the way.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::connector::Connector;
use crate::core::{Hold, Request, Row as CoreRow, Snapshot};
use crate::error::Why;
use crate::id::ConnectionId;
use crate::pool::Pool;
use crate::shared::Shared;
use crate::stats::{Holder, Row, Stats};

impl<C: Connector> Pool<C> {
    /// What the pool says about itself now. Copies some kilobytes; meant for pages, not for hot loops.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let Snapshot { counts, tally, rows, standings, closed } =
            shared.core.snapshot(|live| live.id);
        let (wait, used) = shared.core.times();
        Stats {
            name: shared.settings.name.clone(),
            uptime_ns: nanos_since(shared.started),
            min: shared.settings.min,
            max: counts.max,
            open: counts.open,
            idle: counts.idle,
            in_use: counts.lent,
            connecting: counts.connecting,
            checking: counts.checking,
            waiting: counts.waiting,
            created: tally.create.count(),
            closed: tally.closed().collect(),
            connect_errors: tally.connect_errors,
            check_errors: tally.check_errors,
            timeouts: tally.timeouts,
            given_up: tally.given_up,
            wait,
            create: tally.create.times(),
            used,
            last_connect_error: shared.outage.lock().last_error.as_ref().map(ToString::to_string),
            tenants: shared.tenant_stats(standings),
            connections: shared.named(rows),
            is_closed: closed,
        }
    }
}

impl<C: Connector> Shared<C> {
    /// The rows with their connections' ids.
    fn named(&self, rows: Vec<CoreRow<ConnectionId>>) -> Vec<Row> {
        // The registry is read without a lock. A connection that moves meanwhile has no id for a moment.
        let ids: HashMap<usize, ConnectionId> =
            self.registry.iter().map(|(id, slot)| (slot, id)).collect();
        let row = |row: CoreRow<ConnectionId>| {
            let id = row.idle.or_else(|| ids.get(&row.slot).copied());
            let holder = row.hold.zip(id).map(|(hold, id)| holder(id, &hold));
            Row { slot: row.slot, id, state: String::from(row.stage), holder }
        };
        rows.into_iter().map(row).collect()
    }

    /// Who holds connections, since longest first.
    pub(crate) fn holders(&self) -> Vec<Holder> {
        let mut holders: Vec<_> = self
            .named(self.core.rows(|live| live.id))
            .into_iter()
            .filter_map(|row| row.holder)
            .collect();
        holders.sort_by_key(|holder| std::cmp::Reverse(holder.held_ns));
        holders
    }

    /// What stands in the way of a caller who gets no connection.
    pub(crate) fn why(&self, request: Option<&Request>) -> Why {
        if let Some(full) = request.and_then(|request| self.full(request)) {
            return full;
        }
        let counts = self.core.counts();
        let (connecting, checking) = (counts.connecting, counts.checking);
        let (last_error, last_check_error) = {
            let outage = self.outage.lock();
            (outage.last_error.clone(), outage.last_check_error.clone())
        };
        let closing = counts.open - counts.live() - connecting;
        if connecting > 0 || (last_error.is_some() && counts.open < counts.max) {
            Why::Connecting { connecting, last_error }
        } else if checking > 0 {
            Why::Checking { checking, last_error: last_check_error }
        } else if closing > 0 && counts.lent == 0 {
            Why::Closing { closing }
        } else {
            Why::Exhausted { max: counts.max, waiting: counts.waiting, holders: self.holders() }
        }
    }

    /// The caller's tenant, if it has all that it may.
    fn full(&self, request: &Request) -> Option<Why> {
        let tenancy = request.tenant.as_ref()?;
        let standings = self.core.standings();
        let standing = standings.iter().find(|standing| standing.id == tenancy.account)?;
        let max = standing.limits.max.filter(|max| *max <= standing.in_use)?;
        let mut holders = self.holders();
        holders.retain(|holder| holder.tenant.as_deref() == request.tenant_name());
        let tenant = String::from(&*tenancy.name);
        Some(Why::TenantFull { tenant, max, waiting: standing.waiting, holders })
    }
}

fn holder(id: ConnectionId, hold: &Hold) -> Holder {
    Holder {
        id,
        by: hold.request.by.to_string(),
        held_ns: nanos_since(hold.since),
        tenant: hold.request.tenant_name().map(String::from),
    }
}

fn nanos_since(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
