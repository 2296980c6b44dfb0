//! Rate limits: how often connections may be asked for, by the `governor` crate on tokio's clock.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use futures_core::future::BoxFuture;
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::core::Caller;
use crate::error::{ConfigError, Error};
use crate::histogram::{SharedRecorder, Times};
use crate::settings::millis;
use crate::sync::{Count, Ordering};

/// How often connections may be asked for. See [`Settings::rate_limits`](crate::Settings::rate_limits).
///
/// A generic cell rate algorithm: each call takes a permit, of which there are at most
/// [`burst`](Self::burst) in store, and a new one comes each `per / permits`.
///
/// A permit that was taken is not given back, even if the caller then gets no connection. One who gives up
/// while it waits for a permit has taken none. Who waits is served in the order of arrival, whatever the
/// priority; one whose turn cannot come before its time is over is refused at once.
///
/// Waiting goes by tokio's timer, to the millisecond. So a rate of more than 1,000 in a second is reached by
/// those who wait only if the burst is at least what comes in a millisecond.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Who shares the permits.
    pub of: Limited,
    /// How many come in each [`per`](Self::per).
    pub permits: u32,
    /// In how long so many come.
    #[serde(with = "millis")]
    pub per: Duration,
    /// How many can be in store. `None`: as many as [`permits`](Self::permits).
    #[serde(default)]
    pub burst: Option<u32>,
    /// What one gets who comes when there is no permit.
    #[serde(default)]
    pub when_over: WhenOver,
}

/// Whose calls a [`RateLimit`] counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limited {
    /// All calls of the pool together.
    Pool,
    /// Those with this tag.
    Tag(String),
    /// Those with each tag that has no limit of its own, each tag by itself. Those that come beyond
    /// [`Settings::max_tags`](crate::Settings::max_tags) are limited together.
    EachTag,
    /// Those of this [`Tenant`](crate::Tenant).
    Tenant(String),
    /// Those of each tenant that has no limit of its own, each tenant by itself. One that is
    /// [forgotten](crate::Tenants::forget_after) comes back with all permits.
    EachTenant,
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool => f.write_str("pool"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::EachTag => f.write_str("each tag"),
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
            Self::EachTenant => f.write_str("each tenant"),
        }
    }
}

/// What a caller gets who comes when there is no permit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOver {
    /// It waits for its turn, within its time.
    #[default]
    Wait,
    /// [`Error::RateLimited`], which says when to come again.
    Refuse,
}

/// What a rate limit has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LimitStats {
    /// Whose calls it counts.
    pub of: Limited,
    /// How many permits were taken.
    pub passed: u64,
    /// How many callers were refused.
    pub refused: u64,
    /// How many wait for a permit.
    pub waiting: u64,
    /// How long they waited for it who had to wait, and got one.
    pub waited: Times,
}

impl RateLimit {
    fn quota(&self) -> Option<Quota> {
        let each = self.per.checked_div(self.permits)?;
        let burst = NonZeroU32::new(self.burst.unwrap_or(self.permits))?;
        Some(Quota::with_period(each)?.allow_burst(burst))
    }

    fn validate(&self, at: usize) -> Result<(), ConfigError> {
        let wrong = |field: &str, problem: &str| {
            Err(ConfigError::new(format!("rate_limits[{at}].{field}"), problem))
        };
        if self.permits == 0 {
            return wrong("permits", "must be at least 1");
        }
        if self.per.is_zero() {
            return wrong("per", "must be more than zero");
        }
        if self.burst == Some(0) {
            return wrong("burst", "must be at least 1");
        }
        match self.quota() {
            Some(_) => Ok(()),
            None => wrong("permits", "is more than one in a nanosecond"),
        }
    }
}

/// Sees that the limits make sense, and that each counts something else.
pub(crate) fn validate(limits: &[RateLimit], max_tags: usize) -> Result<(), ConfigError> {
    for (at, limit) in limits.iter().enumerate() {
        limit.validate(at)?;
        if limits[..at].iter().any(|other| other.of == limit.of) {
            let problem = format!("there is another limit of {}", limit.of);
            return Err(ConfigError::new(format!("rate_limits[{at}].of"), problem));
        }
    }
    let named = limits.iter().filter(|limit| matches!(limit.of, Limited::Tag(_))).count();
    if named > max_tags {
        let problem = format!("{max_tags} are fewer than the {named} tags that have a rate limit");
        return Err(ConfigError::new("max_tags", problem));
    }
    Ok(())
}

/// tokio's clock, which tests can pause.
#[derive(Clone, Copy, Debug)]
struct TokioClock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At(Instant);

impl Clock for TokioClock {
    type Instant = At;

    fn now(&self) -> At {
        At(Instant::now())
    }
}

impl Add<Nanos> for At {
    type Output = Self;

    fn add(self, nanos: Nanos) -> Self {
        Self(self.0 + Duration::from(nanos))
    }
}

impl Reference for At {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

/// One limit at work.
pub(crate) struct Limiter {
    of: Limited,
    when_over: WhenOver,
    /// How often a permit comes.
    each: Duration,
    cells: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<At>>,
    /// Who waits, in the order of arrival. The first has the permit of this and looks at the cells.
    line: Semaphore,
    waiting: Count,
    passed: Count,
    refused: Count,
    waited: SharedRecorder,
}

/// Why there is no permit at once.
enum Over {
    /// The caller is to wait.
    Waits,
    Refused(Error),
}

impl Limiter {
    pub(crate) fn new(limit: &RateLimit, of: Limited) -> Option<Self> {
        let quota = limit.quota()?;
        Some(Self {
            of,
            when_over: limit.when_over,
            each: quota.replenish_interval(),
            cells: RateLimiter::direct_with_clock(quota, TokioClock),
            line: Semaphore::new(1),
            waiting: Count::new(0),
            passed: Count::new(0),
            refused: Count::new(0),
            waited: SharedRecorder::default(),
        })
    }

    /// Takes a permit. Fails while others wait for one, whom this would overtake.
    fn take(&self) -> Result<(), Instant> {
        // Ordering: Relaxed throughout this file. A newcomer who reads too old a number overtakes one who has
        // just come, or waits for one who has just gone; else reports alone read these.
        self.cells.check().map_err(|not_until| not_until.earliest_possible().0)?;
        self.passed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn try_pass(&self, may_wait: bool) -> Result<(), Over> {
        let ahead = self.waiting.load(Ordering::Relaxed);
        let until = match ahead {
            0 => match self.take() {
                Ok(()) => return Ok(()),
                Err(until) => until,
            },
            _ => Instant::now() + self.turns(ahead),
        };
        match self.when_over {
            WhenOver::Wait if may_wait => Err(Over::Waits),
            _ => Err(Over::Refused(self.refuse(until))),
        }
    }

    /// Waits for a permit, until the deadline. Dropped before that, it has taken none, and the next is first.
    async fn pass(&self, deadline: Instant) -> Result<(), Error> {
        let begun = Instant::now();
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        // While others wait nothing is in store, so the turn comes no earlier.
        let turn = begun + self.turns(ahead);
        if turn > deadline {
            return Err(self.refuse(turn));
        }
        let first = timeout_at(deadline, self.line.acquire()).await;
        let Ok(_first) = first else { return Err(self.refuse(deadline + self.each)) };
        while let Err(until) = self.take() {
            if until > deadline {
                return Err(self.refuse(until));
            }
            sleep_until(until).await;
        }
        self.waited.record(begun.elapsed());
        Ok(())
    }

    fn turns(&self, ahead: u64) -> Duration {
        self.each.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX))
    }

    fn refuse(&self, until: Instant) -> Error {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let retry_after = until.saturating_duration_since(Instant::now());
        Error::RateLimited { of: self.of.to_string(), retry_after }
    }

    pub(crate) fn stats(&self) -> LimitStats {
        LimitStats {
            of: self.of.clone(),
            passed: self.passed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            waiting: self.waiting.load(Ordering::Relaxed),
            waited: self.waited.times(),
        }
    }
}

/// Counts down when a wait ends, however it ends.
struct Waiting<'a>(&'a Count);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("of", &self.of).finish_non_exhaustive()
    }
}

/// The limits of a pool. Those of tags and tenants are with their accounts.
pub(crate) struct Limits {
    pool: Option<Limiter>,
    narrow: NarrowLimits,
}

/// What the limits say to one who asks.
pub(crate) enum Verdict {
    Pass,
    /// It is to wait at the limit with this number.
    Wait(usize),
    Refuse(Error),
}

impl Limits {
    /// None where there are none.
    pub(crate) fn new(limits: &[RateLimit]) -> Option<Self> {
        let pool = limits.iter().find(|limit| limit.of == Limited::Pool);
        let pool = pool.and_then(|limit| Limiter::new(limit, Limited::Pool));
        let narrow = NarrowLimits::new(limits);
        (!limits.is_empty()).then_some(Self { pool, narrow })
    }

    pub(crate) fn of_tenant(&self, tenant: &str) -> Option<Limiter> {
        self.narrow.of_tenant(tenant)
    }

    /// Those that one who asks has to pass: the narrowest first, so that one who is held back there takes
    /// nothing from the others.
    fn of<'a>(&'a self, caller: &'a Caller) -> [Option<&'a Limiter>; 3] {
        let tag = caller.marks.tag.as_ref().and_then(|account| account.limiter.as_ref());
        let tenant = caller.tenant.as_ref().and_then(|tenancy| tenancy.limiter.as_ref());
        [tag, tenant, self.pool.as_ref()]
    }

    /// Takes a permit of each, without waiting.
    pub(crate) fn try_pass(&self, caller: &Caller, may_wait: bool) -> Verdict {
        for (at, limiter) in self.of(caller).into_iter().enumerate() {
            match limiter.map(|limiter| limiter.try_pass(may_wait)) {
                None | Some(Ok(())) => {}
                Some(Err(Over::Waits)) => return Verdict::Wait(at),
                Some(Err(Over::Refused(error))) => return Verdict::Refuse(error),
            }
        }
        Verdict::Pass
    }

    /// Waits for a permit of each, from the one with this number on.
    pub(crate) fn pass(
        &self,
        caller: Caller,
        first: usize,
        deadline: Instant,
    ) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            for limiter in self.of(&caller).into_iter().skip(first).flatten() {
                limiter.pass(deadline).await?;
            }
            Ok(())
        })
    }

    pub(crate) fn stats(&self) -> Option<LimitStats> {
        self.pool.as_ref().map(Limiter::stats)
    }
}

/// The limits of tags and tenants: how the account of each gets its own.
#[derive(Default)]
pub(crate) struct NarrowLimits(Vec<RateLimit>);

impl NarrowLimits {
    pub(crate) fn new(limits: &[RateLimit]) -> Self {
        Self(limits.iter().filter(|limit| limit.of != Limited::Pool).cloned().collect())
    }

    /// The tags that have a limit of their own.
    pub(crate) fn named_tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|limit| match &limit.of {
            Limited::Tag(tag) => Some(tag.as_str()),
            _ => None,
        })
    }

    pub(crate) fn of_tag(&self, tag: &str) -> Option<Limiter> {
        self.one(Limited::Tag(String::from(tag)), &Limited::EachTag)
    }

    fn of_tenant(&self, tenant: &str) -> Option<Limiter> {
        self.one(Limited::Tenant(String::from(tenant)), &Limited::EachTenant)
    }

    /// By the limit of its own, or else by that of its kind.
    fn one(&self, own: Limited, kind: &Limited) -> Option<Limiter> {
        let of = |of: &Limited| self.0.iter().find(|limit| limit.of == *of);
        Limiter::new(of(&own).or_else(|| of(kind))?, own)
    }
}
