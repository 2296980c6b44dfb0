//! What all handles of one pool share, and the bookkeeping of what is open.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use concurrent_ordered_map::ConcurrentOrderedMap;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout};
use tracing::Span;

use crate::adaptive::Decisions;
use crate::connector::Connector;
use crate::core::{Core, GivenBack, Job, Lease};
use crate::error::{Cause, StepPanic, StepTimeout};
use crate::event::event;
use crate::gate::Gate;
use crate::hooks::HookSet;
use crate::id::ConnectionId;
use crate::meters::Meters;
use crate::reason::Reason;
use crate::seat::Seat;
use crate::settings::Settings;
use crate::step::Step;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::tenant::Registry;
use crate::warm::Warmth;

/// An open connection, and what is known about it. Allocated once, when it is opened; then only the box moves.
pub(crate) struct Live<T> {
    pub(crate) id: ConnectionId,
    pub(crate) connection: T,
    /// Fixed when it was opened, jitter included.
    pub(crate) expires: Option<Instant>,
    pub(crate) opened: Instant,
    pub(crate) last_used: Instant,
    /// When it was last known to work: opened, used, cleaned or checked.
    pub(crate) last_well: Instant,
    /// How many borrowers have given it back.
    pub(crate) uses: u64,
    /// A call on it is under way, or was cut short: see [`Guard`](crate::Guard).
    pub(crate) is_mid_call: bool,
    /// Of whoever holds it, where spans are wanted: see [`Observe`](crate::Observe).
    pub(crate) span: Span,
}

pub(crate) type Item<C> = Box<Live<<C as Connector>::Connection>>;

/// What connecting has met lately.
#[derive(Default)]
pub(crate) struct Outage {
    /// Attempts that failed since one has succeeded.
    pub(crate) failures: u32,
    pub(crate) last_error: Option<Cause>,
    pub(crate) last_check_error: Option<Cause>,
}

pub(crate) struct Shared<C: Connector> {
    pub(crate) connector: C,
    pub(crate) settings: Settings,
    pub(crate) hooks: HookSet,
    /// Whether a connection that comes back clean goes through a task all the same.
    pub(crate) tends_returned: bool,
    pub(crate) core: Core<Item<C>>,
    /// Which slot each connection is in.
    pub(crate) registry: ConcurrentOrderedMap<ConnectionId, usize>,
    /// The same, by when their lifetimes end: the maintenance walks only through what is due.
    pub(crate) expiry: ConcurrentOrderedMap<(Instant, ConnectionId), usize>,
    pub(crate) tenants: Registry,
    /// What was decided about the maximum.
    pub(crate) decisions: Mutex<Decisions>,
    pub(crate) outage: Mutex<Outage>,
    pub(crate) meters: Meters,
    pub(crate) gate: Gate<C>,
    pub(crate) warmth: Warmth,
    pub(crate) runtime: Handle,
    pub(crate) started: Instant,
    /// Signalled when a slot is emptied.
    pub(crate) emptied: Notify,
    /// Told when a deadline is earlier than all that it knew.
    pub(crate) alarm: Arc<Notify>,
    /// What runs as long as the pool is open.
    pub(crate) tasks: Mutex<Vec<AbortHandle>>,
    opened: AtomicU64,
    /// Connections that were used last before this time are checked whatever the settings say, since one of
    /// them was found dead. In nanoseconds since `started`.
    suspect_before: AtomicU64,
}

impl<C: Connector> Shared<C> {
    pub(crate) fn new(connector: C, mut settings: Settings) -> Arc<Self> {
        settings.name_after(&connector);
        let hooks = connector.hooks();
        let core = Core::new(settings.most_max(), settings.ageing).preparing(hooks.before_acquire);
        core.set_limit(settings.max);
        Arc::new(Self {
            hooks,
            tends_returned: hooks.after_release
                || settings.health.on_release
                || has_faults(&connector),
            connector,
            core,
            registry: ConcurrentOrderedMap::new(),
            expiry: ConcurrentOrderedMap::new(),
            tenants: Registry::new(),
            decisions: Mutex::new(Decisions::default()),
            outage: Mutex::new(Outage::default()),
            meters: Meters::new(&settings.name),
            gate: Gate::new(&settings),
            warmth: Warmth::default(),
            runtime: Handle::current(),
            started: Instant::now(),
            emptied: Notify::new(),
            alarm: Arc::new(Notify::new()),
            tasks: Mutex::new(Vec::new()),
            opened: AtomicU64::new(0),
            suspect_before: AtomicU64::new(0),
            settings,
        })
    }

    /// Whether a connection may be handed out as it is: it is known to work, its time is not over, and no hook
    /// has to be asked.
    #[inline]
    pub(crate) fn is_fresh(&self, live: &Live<C::Connection>, now: Instant) -> bool {
        !self.hooks.before_acquire
            && self.is_proven(live, now)
            && live.expires.is_none_or(|expires| now < expires)
    }

    /// Whether a connection needs no check: it was used or checked lately.
    #[inline]
    pub(crate) fn is_proven(&self, live: &Live<C::Connection>, now: Instant) -> bool {
        let idle = now.saturating_duration_since(live.last_well);
        // Ordering: Relaxed; a check more or less decides nothing that others depend on.
        let suspect = self.suspect_before.load(Ordering::Relaxed);
        idle < self.settings.check_after && (suspect == 0 || self.nanos(live.last_well) > suspect)
    }

    /// All that is idle now has to be checked before it is used, for one of them was found dead.
    pub(crate) fn suspect_all(&self, now: Instant) {
        // Ordering: Relaxed, as in `is_proven`.
        self.suspect_before.fetch_max(self.nanos(now), Ordering::Relaxed);
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Starts whatever can be done for those who wait. To be called whenever somebody joins the queue, a slot
    /// is emptied or an attempt has ended.
    pub(crate) fn pump(self: &Arc<Self>) {
        let now = Instant::now();
        // No more times than there may be connections: a runtime that shuts down drops what is spawned, which empties the slot.
        for _ in 0..self.settings.most_max() {
            match self.core.supply(now, |live| self.is_fresh(live, now)) {
                Some(Job::Connect(slot)) => {
                    self.runtime.spawn(Seat::reserved(self, slot).connect_until_done());
                }
                Some(Job::Check(lease)) => {
                    self.runtime.spawn(Seat::taken(self, lease).check());
                }
                None => return,
            }
        }
    }

    /// Books a connection that was just opened, and hands it to whoever waits.
    pub(crate) fn admit(self: &Arc<Self>, slot: usize, connection: C::Connection, begun: Instant) {
        let now = Instant::now();
        // Ordering: Relaxed; each value is drawn once, which is all that is asked of it.
        let id = ConnectionId::now(self.opened.fetch_add(1, Ordering::Relaxed) + 1);
        let expires = self.lifetime_of(id).map(|lifetime| now + lifetime);
        self.registry.insert(id, slot);
        if let Some(expires) = expires {
            self.expiry.insert((expires, id), slot);
        }
        let took = now.saturating_duration_since(begun);
        self.core.with_tally(|tally| tally.create.record(took));
        self.meters.opened(took);
        let failures = {
            let mut outage = self.outage.lock();
            outage.last_error = None;
            std::mem::take(&mut outage.failures)
        };
        event!(info, self, { id = %id, slot, took = ?took, after_failures = failures, }, "connection opened");
        let live = Live {
            id,
            connection,
            expires,
            opened: now,
            last_used: now,
            last_well: now,
            uses: 0,
            is_mid_call: false,
            span: Span::none(),
        };
        match self.core.fill(slot, Box::new(live), now) {
            GivenBack::Kept => {}
            GivenBack::Retire(lease, reason) => drop(self.retire(lease, reason)),
        }
        self.pump();
    }

    /// The maximum lifetime less the jitter, which depends on the id alone.
    fn lifetime_of(&self, id: ConnectionId) -> Option<Duration> {
        const PARTS: u64 = 1 << 16;
        let lifetime = self.settings.max_lifetime?;
        let most = lifetime * u32::from(self.settings.lifetime_jitter_percent) / 100;
        let part = u32::try_from(id.scramble() % PARTS).unwrap_or(0);
        Some(lifetime - most * part / (1 << 16))
    }

    /// Opens a connection for those who wait, in the place of one that was unfit: beside the next idle one's
    /// check, so that they do not pay for one failure after the other.
    pub(crate) fn replace(self: &Arc<Self>) {
        if let Some(slot) = self.core.reserve_in_place() {
            self.runtime.spawn(Seat::reserved(self, slot).connect_until_done());
        }
    }

    /// Passes a connection on that its holder has not used.
    pub(crate) fn pass_on(self: &Arc<Self>, lease: Lease<Item<C>>) {
        match self.core.pass_on(lease, Instant::now()) {
            GivenBack::Kept => {}
            GivenBack::Retire(lease, reason) => drop(self.retire(lease, reason)),
        }
    }

    /// Closes a connection in a task of its own, whose slot is at `Stage::Retiring`.
    pub(crate) fn retire(
        self: &Arc<Self>,
        lease: Lease<Item<C>>,
        reason: Reason,
    ) -> JoinHandle<Result<(), Cause>> {
        let closing = self.runtime.spawn(Seat::taken(self, lease).close(reason));
        // If it was lent, its tenant may have another one now.
        self.pump();
        closing
    }

    /// Measures a use that is over. None, if nobody has used it.
    pub(crate) fn used(&self, since: Option<Instant>, now: Instant) {
        if let Some(since) = since {
            self.meters.used(since, now);
        }
    }

    /// Takes a connection off the books.
    pub(crate) fn forget(&self, live: &Live<C::Connection>, reason: Reason) {
        self.registry.delete(&live.id);
        if let Some(expires) = live.expires {
            self.expiry.delete(&(expires, live.id));
        }
        self.core.with_tally(|tally| tally.count_closed(reason));
    }

    /// Tells that a slot was emptied, and lets others use it: who waits, then the minimum.
    pub(crate) fn freed(self: &Arc<Self>) {
        self.emptied.notify_waiters();
        self.pump();
        if self.core.is_tripped() {
            return;
        }
        if let Some(slot) = self.core.reserve_below(self.floor()) {
            self.runtime.spawn(Seat::reserved(self, slot).connect_once());
        }
    }

    /// Empties a slot in which connecting has failed, and lets those who wait use it. Not the minimum: that
    /// would try again at once, and for ever.
    pub(crate) fn give_up(self: &Arc<Self>, slot: usize) {
        self.core.vacate(slot);
        self.emptied.notify_waiters();
        self.pump();
    }

    /// Opens connections in parallel until there are `limit`. Answers how many, and the first error. While
    /// connecting fails, one is tried first, and the rest when it has shown that it works again.
    pub(crate) async fn open_up_to(self: &Arc<Self>, limit: usize) -> (usize, Option<Cause>) {
        let (mut opened, mut first) = (0, None);
        while first.is_none() {
            let mut attempts = Vec::new();
            while let Some(slot) = self.core.reserve_below(limit) {
                attempts.push(self.runtime.spawn(Seat::reserved(self, slot).connect_once()));
            }
            if attempts.is_empty() {
                break;
            }
            for attempt in attempts {
                match attempt.await.unwrap_or_else(|panic| Err(Arc::new(panic))) {
                    Ok(()) => opened += 1,
                    Err(cause) => first = first.or(Some(cause)),
                }
            }
        }
        (opened, first)
    }

    /// Runs a step of the connector under its time limit. A panic in it is a failure like any other: whoever
    /// waits for the step would not learn of it otherwise.
    pub(crate) async fn limited<T, E: StdError + Send + Sync + 'static>(
        &self,
        step: Step,
        limit: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cause> {
        let mut work = pin!(async {
            #[cfg(feature = "fault-injection")]
            self.strike(step).await?;
            work.await.map_err(|error| -> Cause { Arc::new(error) })
        });
        let caught = poll_fn(|context| {
            // Unwind safety: what has panicked is not polled again.
            let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
            polled.unwrap_or_else(|_| Poll::Ready(Err(Arc::new(StepPanic { step: step.name() }))))
        });
        let late = |_| -> Cause { Arc::new(StepTimeout { step: step.name(), limit }) };
        timeout(limit, caught).await.map_err(late)?
    }
}

impl<C: Connector> Drop for Shared<C> {
    fn drop(&mut self) {
        self.tasks.lock().drain(..).for_each(|task| task.abort());
    }
}

#[cfg(feature = "fault-injection")]
fn has_faults<C: Connector>(connector: &C) -> bool {
    connector.faults().is_some()
}

#[cfg(not(feature = "fault-injection"))]
fn has_faults<C: Connector>(_: &C) -> bool {
    false
}
