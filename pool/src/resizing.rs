//! The task that measures, and moves the maximum as the controller says.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::adaptive::{AdaptiveStats, Decision, Signal};
use crate::connector::Connector;
use crate::controller::{Controller, Window};
use crate::event::event;
use crate::histogram::Times;
use crate::reason::Reason;
use crate::shared::Shared;

/// Starts the task, if the maximum is to adapt. It holds no pool: it ends with the last handle, or when the
/// pool is closed.
pub(crate) fn start<C: Connector>(shared: &Arc<Shared<C>>) {
    let Some(adaptive) = &shared.settings.adaptive else { return };
    let controller = Controller::new(adaptive.clone(), shared.settings.max);
    let pool = Arc::downgrade(shared);
    let task = shared.runtime.spawn(run(pool, adaptive.every, controller));
    shared.tasks.lock().push(task.abort_handle());
}

async fn run<C: Connector>(pool: Weak<Shared<C>>, every: Duration, mut controller: Controller) {
    let mut measured = Measured::default();
    loop {
        sleep(every).await;
        let Some(shared) = pool.upgrade() else { return };
        let window = measured.window(&shared);
        let from = controller.limit();
        if let Some((to, signal)) = controller.observe(&window) {
            shared.resize(decision(&shared, from, to, signal, &window));
        }
    }
}

/// What was measured up to some time.
struct Measured {
    at: Instant,
    wait: Times,
    used: Times,
}

impl Default for Measured {
    fn default() -> Self {
        Self { at: Instant::now(), wait: Times::default(), used: Times::default() }
    }
}

impl Measured {
    /// What came since it was called before.
    fn window<C: Connector>(&mut self, shared: &Shared<C>) -> Window {
        let (wait, used) = shared.core.times();
        let counts = shared.core.counts();
        let at = Instant::now();
        let before = std::mem::replace(self, Self { at, wait, used });
        Window {
            length: at.saturating_duration_since(before.at),
            served: wait.count - before.wait.count,
            waited_ns: wait.total_ns.saturating_sub(before.wait.total_ns),
            ended: used.count - before.used.count,
            held_ns: used.total_ns.saturating_sub(before.used.total_ns),
            in_use: counts.lent,
            waiting: counts.waiting,
        }
    }
}

fn decision<C: Connector>(
    shared: &Shared<C>,
    from: usize,
    to: usize,
    signal: Signal,
    window: &Window,
) -> Decision {
    Decision {
        uptime_ns: u64::try_from(shared.started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        from,
        to,
        signal,
        mean_wait_ns: window.mean_wait_ns(),
        mean_hold_ns: window.mean_hold_ns(),
        use_percent: window.use_percent(from),
        served: window.served,
    }
}

impl<C: Connector> Shared<C> {
    /// Makes the maximum what was decided.
    fn resize(self: &Arc<Self>, decision: Decision) {
        let beyond = self.core.set_limit(decision.to);
        event!(info, self, {
            from = decision.from,
            to = decision.to,
            reason = decision.signal.name(),
            mean_wait_ns = decision.mean_wait_ns,
            mean_hold_ns = decision.mean_hold_ns,
            use_percent = decision.use_percent,
            served = decision.served,
        }, "maximum adapted");
        let mut decisions = self.decisions.lock();
        decisions.changes += 1;
        decisions.last = Some(decision);
        drop(decisions);
        for lease in beyond {
            // How closing goes is told by the connection's event.
            drop(self.retire(lease, Reason::Surplus));
        }
        self.pump();
    }

    pub(crate) fn adaptive_stats(&self) -> Option<AdaptiveStats> {
        let adaptive = self.settings.adaptive.as_ref()?;
        let decisions = self.decisions.lock();
        Some(AdaptiveStats {
            min_max: adaptive.min_max,
            max_max: adaptive.max_max,
            changes: decisions.changes,
            last: decisions.last.clone(),
        })
    }
}
