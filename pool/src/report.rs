//! What the pool says about itself: statistics, holders, and what stands in the way.

use std::collections::HashMap;

use tokio::time::Instant;

use crate::connector::Connector;
use crate::core::{Caller, Hold, Row as CoreRow, Snapshot};
use crate::error::Why;
use crate::gate::circuit::Circuit;
use crate::gate::leaks::Leaked;
#[cfg(feature = "rate-limit")]
use crate::gate::limits::LimitStats;
use crate::hooks::HookStats;
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
            tags: shared.gate.tags.stats(|tag| in_use_by(&rows, tag)),
            leaks: shared.gate.leaked.as_ref().map(Leaked::stats),
            #[cfg(feature = "rate-limit")]
            rate_limits: shared.rate_limits(),
            breaker: shared.gate.circuit.as_ref().map(Circuit::stats),
            degradation: shared.gate.relief.stats(),
            adaptive: shared.adaptive_stats(),
            connections: shared.named(rows),
            #[cfg(feature = "fault-injection")]
            faults: shared.connector.faults().map(crate::faults::Faults::stats),
            health: tally.health,
            hooks: shared.hook_stats(tally.hooks),
            warm: shared.warmth.stats(Instant::now()),
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
            let holder = row.hold.zip(id).map(|(hold, id)| Holder::new(id, &hold));
            Row { slot: row.slot, id, state: String::from(row.stage), holder }
        };
        rows.into_iter().map(row).collect()
    }

    /// What was counted about hooks here, and by the connector.
    fn hook_stats(&self, counted: HookStats) -> HookStats {
        let HookStats { before_connect, after_connect, .. } = self.connector.connect_hooks();
        HookStats { before_connect, after_connect, ..counted }
    }

    /// The holds there are now, with their connections' ids.
    pub(crate) fn held(&self) -> Vec<(ConnectionId, Hold)> {
        let rows = self.core.rows(|_| ());
        let mut holds: HashMap<usize, Hold> =
            rows.into_iter().filter_map(|row| Some((row.slot, row.hold?))).collect();
        self.registry.iter().filter_map(|(id, slot)| Some((id, holds.remove(&slot)?))).collect()
    }

    #[cfg(feature = "rate-limit")]
    fn rate_limits(&self) -> Vec<LimitStats> {
        let Some(limits) = &self.gate.limits else { return Vec::new() };
        let tenants = self.tenants.iter().filter_map(|(_, it)| Some(it.limiter.as_ref()?.stats()));
        limits.stats().into_iter().chain(self.gate.tags.limits()).chain(tenants).collect()
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
    pub(crate) fn why(&self, caller: Option<&Caller>) -> Why {
        if let Some(full) = caller.and_then(|caller| self.full(caller)) {
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
        } else if counts.idle > 0 || counts.open < counts.max {
            Why::NotReady { idle: counts.idle, unopened: counts.max.saturating_sub(counts.open) }
        } else {
            Why::Exhausted { max: counts.max, waiting: counts.waiting, holders: self.holders() }
        }
    }

    /// The caller's tenant, if it has all that it may.
    fn full(&self, caller: &Caller) -> Option<Why> {
        let tenancy = caller.tenant.as_ref()?;
        let standings = self.core.standings();
        let standing = standings.iter().find(|standing| standing.id == tenancy.account)?;
        let max = standing.limits.max.filter(|max| *max <= standing.in_use)?;
        let mut holders = self.holders();
        holders.retain(|holder| holder.tenant.as_deref() == caller.tenant_name());
        let tenant = String::from(&*tenancy.name);
        Some(Why::TenantFull { tenant, max, waiting: standing.waiting, holders })
    }
}

impl Holder {
    pub(crate) fn new(id: ConnectionId, hold: &Hold) -> Self {
        let (by, marks) = (hold.caller.by.to_string(), &hold.caller.marks);
        let tag = marks.tag_name().map(String::from);
        let task = marks.task.map(|task| task.to_string());
        let tenant = hold.caller.tenant_name().map(String::from);
        Self { id, by, tenant, tag, task, held_ns: nanos_since(hold.since) }
    }
}

/// How many connections those with a tag hold.
fn in_use_by<I>(rows: &[CoreRow<I>], tag: &str) -> usize {
    let tags = rows.iter().filter_map(|row| row.hold.as_ref()?.caller.marks.tag_name());
    tags.filter(|held| *held == tag).count()
}

fn nanos_since(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
