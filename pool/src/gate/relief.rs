//! Relief when there is too little for all: waiting less, shedding, and a fallback.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::ask::{Ask, Priority};
use crate::connector::Connector;
use crate::core::Counts;
use crate::error::{ConfigError, Error};
use crate::guard::Guard;
use crate::pool::Pool;
use crate::settings::millis;
use crate::sync::{Count, Ordering};

/// What is done when there are too few connections for all who ask. See
/// [`Settings::degradation`](crate::Settings::degradation). Nothing, by default.
///
/// A rule that refuses is named in [`Error::Overloaded`], in an event, and counted in [`DegradationStats`]. The
/// rules look at how many wait when a caller would join them; one that can be served at once meets none.
///
/// The wait that is to be expected is estimated: by how many wait, how many connections there may be, and for
/// how long connections were held lately. It takes no account of priorities, so it is about right for
/// [`Priority::Low`], and too long for others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Degradation {
    /// Waiting less while many wait. Default: `None`.
    pub wait_less: Option<WaitLess>,
    /// Refusing the less important at once. The first that fits refuses. Default: none.
    pub shed: Vec<Shed>,
    /// Whether a caller is refused at once whose expected wait is longer than it would wait. Default: no.
    pub refuse_hopeless: bool,
}

/// While more than so many wait, newcomers wait for no longer than a shorter limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitLess {
    /// More than so many have to wait. 0: as soon as somebody does; `None`: always.
    pub waiting_over: Option<usize>,
    /// How long a newcomer waits then at most.
    #[serde(with = "millis")]
    pub limit: Duration,
}

/// Who comes with this priority or a lower one is refused at once while too many wait or the wait is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shed {
    /// The highest priority that is refused.
    pub priority: Priority,
    /// While more than so many wait. `None`: whatever their number.
    #[serde(default)]
    pub waiting_over: Option<usize>,
    /// While a wait longer than this is to be expected. `None`: however long it is.
    #[serde(default, with = "millis::option")]
    pub expected_over: Option<Duration>,
}

/// The rule by which a caller was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// [`Degradation::wait_less`]: the shorter limit was over.
    WaitLess,
    /// [`Shed::waiting_over`]: too many wait.
    ShedByQueue,
    /// [`Shed::expected_over`]: the wait would be too long.
    ShedByWait,
    /// [`Degradation::refuse_hopeless`]: the wait would be longer than the caller's limit.
    RefuseHopeless,
}

impl Rule {
    /// The name that events and statistics use.
    pub fn name(self) -> &'static str {
        match self {
            Self::WaitLess => "wait_less",
            Self::ShedByQueue => "shed_by_queue",
            Self::ShedByWait => "shed_by_wait",
            Self::RefuseHopeless => "refuse_hopeless",
        }
    }
}

/// How often each rule has refused, and what became of the fallback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DegradationStats {
    /// How many callers were refused by [`Rule::WaitLess`].
    pub wait_less: u64,
    /// How many were refused by [`Rule::ShedByQueue`].
    pub shed_by_queue: u64,
    /// How many were refused by [`Rule::ShedByWait`].
    pub shed_by_wait: u64,
    /// How many were refused by [`Rule::RefuseHopeless`].
    pub refuse_hopeless: u64,
    /// How many got a connection from the fallback.
    pub fell_back: u64,
    /// How many did not get one there either.
    pub fallback_failed: u64,
    /// For how long connections were held lately, in nanoseconds, as far as a rule asks for it.
    pub mean_hold_ns: u64,
}

impl Degradation {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |field: String, problem: &str| Err(ConfigError::new(field, problem));
        if self.wait_less.is_some_and(|rule| rule.limit.is_zero()) {
            return wrong(String::from("degradation.wait_less.limit"), "must be more than zero");
        }
        for (at, shed) in self.shed.iter().enumerate() {
            if shed.waiting_over.is_none() && shed.expected_over.is_none() {
                let problem =
                    "needs waiting_over or expected_over, or it would refuse whoever waits";
                return wrong(format!("degradation.shed[{at}]"), problem);
            }
        }
        Ok(())
    }
}

/// Where callers get a connection who get none from a pool. See [`Pool::set_fallback`].
pub struct Fallback<C: Connector> {
    run: Arc<Run<C>>,
}

type Run<C> = dyn Fn(Fallen) -> BoxFuture<'static, Result<Guard<C>, Error>> + Send + Sync;

/// A caller that got no connection, as a [`Fallback`] sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fallen {
    /// Why it got none.
    pub error: Error,
    /// How it asked: with its priority, its tag, and what is left of its time. It asks for no fallback, so that
    /// two pools that are each other's fallback do not go in circles.
    pub ask: Ask,
}

impl<C: Connector> Fallback<C> {
    /// Another pool, such as one of a replica. A caller waits there for as long as is left of its time, and
    /// when that pool has none either it gets this pool's error.
    ///
    /// The other pool lives as long as this one. Pools that are each other's fallback keep each other alive
    /// until the process ends.
    pub fn to(other: Pool<C>) -> Self {
        Self::with(move |fallen| {
            let other = other.clone();
            async move { other.acquire_with(fallen.ask).await.map_err(|_| fallen.error) }
        })
    }

    /// A closure that gives a connection, of whatever pool, or an error, which the caller gets.
    ///
    /// It runs in the caller's future: for as long as it takes, which the caller's time limit does not cut
    /// short, and until the caller gives up.
    pub fn with<F>(run: impl Fn(Fallen) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Guard<C>, Error>> + Send + 'static,
    {
        Self { run: Arc::new(move |fallen| Box::pin(run(fallen))) }
    }

    pub(crate) fn run(
        &self,
        error: Error,
        ask: Ask,
    ) -> BoxFuture<'static, Result<Guard<C>, Error>> {
        (self.run)(Fallen { error, ask })
    }
}

impl<C: Connector> Clone for Fallback<C> {
    fn clone(&self) -> Self {
        Self { run: Arc::clone(&self.run) }
    }
}

impl<C: Connector> fmt::Debug for Fallback<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").finish_non_exhaustive()
    }
}

/// How long one who joins the queue may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) limit: Duration,
    /// Whether it is shorter than the caller's own.
    pub(crate) is_cut: bool,
}

/// One who is refused at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spared {
    pub(crate) rule: Rule,
    /// How long it would have waited, as far as that is known.
    pub(crate) expected: Option<Duration>,
}

pub(crate) struct Relief<C: Connector> {
    /// None where there are no rules.
    rules: Option<Degradation>,
    /// Whether a rule asks for how long connections are held.
    pub(crate) is_measuring: bool,
    pub(crate) fallback: OnceLock<Fallback<C>>,
    mean_hold_ns: Count,
    refused: [Count; 4],
    fell_back: Count,
    fallback_failed: Count,
}

impl<C: Connector> Relief<C> {
    pub(crate) fn new(rules: &Degradation) -> Self {
        let by_wait = rules.shed.iter().any(|shed| shed.expected_over.is_some());
        Self {
            rules: (*rules != Degradation::default()).then(|| rules.clone()),
            is_measuring: rules.refuse_hopeless || by_wait,
            fallback: OnceLock::new(),
            mean_hold_ns: Count::new(0),
            refused: [const { Count::new(0) }; 4],
            fell_back: Count::new(0),
            fallback_failed: Count::new(0),
        }
    }

    /// Counts for how long a connection was held: a mean in which the last eight weigh most.
    pub(crate) fn measure(&self, held: Duration) {
        // Ordering: Relaxed throughout this file; an estimate and reports alone read these. Of two who measure
        // at once, one may be lost.
        let held = u64::try_from(held.as_nanos()).unwrap_or(u64::MAX);
        let mean = self.mean_hold_ns.load(Ordering::Relaxed);
        let mean = if mean == 0 { held } else { mean - mean / 8 + held / 8 };
        self.mean_hold_ns.store(mean.max(1), Ordering::Relaxed);
    }

    /// How long one who comes now would wait. Unknown while connections can be opened, or none came back yet.
    fn expected(&self, counts: &Counts) -> Option<Duration> {
        let mean = self.mean_hold_ns.load(Ordering::Relaxed);
        if mean == 0 || counts.idle > 0 || counts.open < counts.max {
            return None;
        }
        let (turns, places) = (counts.waiting as u64 + 1, counts.max as u64);
        Some(Duration::from_nanos(mean.saturating_mul(turns) / places))
    }

    /// How long one may wait who is about to join the queue, or by which rule it is refused. Looks at the
    /// pool only if there are rules.
    #[inline]
    pub(crate) fn limit(
        &self,
        priority: Priority,
        own: Duration,
        counts: impl FnOnce() -> Counts,
    ) -> Result<Limit, Spared> {
        let Some(rules) = &self.rules else { return Ok(Limit { limit: own, is_cut: false }) };
        let counts = counts();
        let expected = if self.is_measuring { self.expected(&counts) } else { None };
        let refuse = |rule| Err(Spared { rule, expected });
        for shed in rules.shed.iter().filter(|shed| priority >= shed.priority) {
            if shed.waiting_over.is_some_and(|most| counts.waiting > most) {
                return refuse(Rule::ShedByQueue);
            }
            if shed.expected_over.zip(expected).is_some_and(|(most, expected)| expected > most) {
                return refuse(Rule::ShedByWait);
            }
        }
        if rules.refuse_hopeless && expected.is_some_and(|expected| expected > own) {
            return refuse(Rule::RefuseHopeless);
        }
        let shorter = rules.wait_less.filter(|rule| {
            rule.limit < own && rule.waiting_over.is_none_or(|most| counts.waiting > most)
        });
        Ok(match shorter {
            Some(rule) => Limit { limit: rule.limit, is_cut: true },
            None => Limit { limit: own, is_cut: false },
        })
    }

    pub(crate) fn count_refused(&self, rule: Rule) {
        self.refused[rule as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_fallback(&self, has_served: bool) {
        let count = if has_served { &self.fell_back } else { &self.fallback_failed };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// None where there is neither a rule nor a fallback.
    pub(crate) fn stats(&self) -> Option<DegradationStats> {
        if self.rules.is_none() && self.fallback.get().is_none() {
            return None;
        }
        let refused = |rule: Rule| self.refused[rule as usize].load(Ordering::Relaxed);
        Some(DegradationStats {
            wait_less: refused(Rule::WaitLess),
            shed_by_queue: refused(Rule::ShedByQueue),
            shed_by_wait: refused(Rule::ShedByWait),
            refuse_hopeless: refused(Rule::RefuseHopeless),
            fell_back: self.fell_back.load(Ordering::Relaxed),
            fallback_failed: self.fallback_failed.load(Ordering::Relaxed),
            mean_hold_ns: self.mean_hold_ns.load(Ordering::Relaxed),
        })
    }
}
