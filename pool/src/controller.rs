//! What the maximum should be, by what is measured. No clock and no pool: [`Adaptive`] says how it decides.

use std::time::Duration;

use crate::adaptive::{Adaptive, Signal};

/// What was measured since it was measured before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) length: Duration,
    /// How many got a connection, and how long they waited together, in nanoseconds.
    pub(crate) served: u64,
    pub(crate) waited_ns: u64,
    /// How many were given back, and how long they were held together, in nanoseconds.
    pub(crate) ended: u64,
    pub(crate) held_ns: u64,
    /// How many are in use and how many wait at its end.
    pub(crate) in_use: usize,
    pub(crate) waiting: usize,
}

impl Window {
    pub(crate) fn mean_wait_ns(&self) -> u64 {
        match self.waited_ns.checked_div(self.served) {
            Some(mean) => mean,
            // Who still waits has done so for long.
            None if self.waiting > 0 => nanos(self.length),
            None => 0,
        }
    }

    pub(crate) fn mean_hold_ns(&self) -> u64 {
        self.held_ns.checked_div(self.ended).unwrap_or(0)
    }

    /// How many thousandths of a connection were in use on average, or how many are now if that is more:
    /// those that are held for long show when they come back only.
    fn use_milli(&self) -> u64 {
        let mean = u128::from(self.held_ns) * 1_000 / self.length.as_nanos().max(1);
        saturated(mean).max(milli(self.in_use))
    }

    pub(crate) fn use_percent(&self, limit: usize) -> u64 {
        self.use_milli() * 100 / milli(limit).max(1)
    }
}

/// How many windows in a row must say the same before the maximum grows, and before it shrinks.
const TO_GROW: u64 = 3;
const TO_SHRINK: u64 = 10;
/// Fewer in use than so many per cent are too few.
const LEAST_USE_PERCENT: u64 = 60;
/// Of how many of those that it is left with the use may be after it shrinks, in per cent.
const MOST_USE_PERCENT: u64 = 75;

/// A maximum that was tried, and what was measured there.
#[derive(Clone, Copy, Debug)]
struct Tried {
    limit: usize,
    measured: u64,
}

/// What a run of windows that say the same has come to.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    windows: u64,
    served: u64,
    ended: u64,
    held_ns: u64,
    most_use_milli: u64,
}

impl Run {
    fn add(&mut self, window: &Window) {
        self.windows += 1;
        self.served += window.served;
        self.ended += window.ended;
        self.held_ns = self.held_ns.saturating_add(window.held_ns);
        self.most_use_milli = self.most_use_milli.max(window.use_milli());
    }

    fn mean_hold_ns(&self) -> u64 {
        self.held_ns.checked_div(self.ended).unwrap_or(0)
    }
}

/// What is used and how long it is held, smoothed over some dozens of windows: a steady load has bursts, which
/// tell nothing of whether it has changed.
#[derive(Clone, Copy, Debug)]
struct Load {
    use_milli: u64,
    hold_ns: u64,
}

impl Load {
    fn of(window: &Window) -> Self {
        Self { use_milli: window.use_milli(), hold_ns: window.mean_hold_ns() }
    }

    fn add(&mut self, window: &Window) {
        const WINDOWS: u128 = 32;
        let smooth = |old: u64, new: u64| {
            saturated((u128::from(old) * (WINDOWS - 1) + u128::from(new)).div_ceil(WINDOWS))
        };
        self.use_milli = smooth(self.use_milli, window.use_milli());
        // Where nothing is given back, nothing is known of how long it is held.
        if window.ended > 0 {
            self.hold_ns = smooth(self.hold_ns, window.mean_hold_ns());
        }
    }
}

/// A growth whose use is not known yet.
#[derive(Debug)]
struct Trial {
    from: usize,
    before: Run,
    hold_ns: u64,
    after: Run,
    too_small: Option<Tried>,
}

#[derive(Debug)]
pub(crate) struct Controller {
    adaptive: Adaptive,
    limit: usize,
    load: Option<Load>,
    /// Callers waited at this one, and the most thousandths that were in use since.
    too_small: Option<Tried>,
    /// More than this one did not help, while connections were held for so long.
    enough: Option<Tried>,
    trial: Option<Trial>,
    long_waits: Run,
    little_use: Run,
    /// The next window is partly of the time before the last change.
    is_mixed: bool,
}

impl Controller {
    pub(crate) fn new(adaptive: Adaptive, limit: usize) -> Self {
        Self {
            adaptive,
            limit,
            load: None,
            too_small: None,
            enough: None,
            trial: None,
            long_waits: Run::default(),
            little_use: Run::default(),
            is_mixed: true,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// What the maximum is to be now, if it is to change, and why.
    pub(crate) fn observe(&mut self, window: &Window) -> Option<(usize, Signal)> {
        let load = self.load.get_or_insert_with(|| Load::of(window));
        load.add(window);
        let load = *load;
        if let Some(too_small) = &mut self.too_small {
            too_small.measured = too_small.measured.max(load.use_milli);
        }
        if std::mem::take(&mut self.is_mixed) {
            return None;
        }
        self.count(window);
        let change =
            self.judge(window).or_else(|| self.grow(load)).or_else(|| self.shrink(load))?;
        self.limit = change.0;
        self.is_mixed = true;
        (self.long_waits, self.little_use) = (Run::default(), Run::default());
        Some(change)
    }

    fn count(&mut self, window: &Window) {
        let (wait, target) = (window.mean_wait_ns(), nanos(self.adaptive.wait_target));
        let is_little = wait < target / 4 && window.use_percent(self.limit) < LEAST_USE_PERCENT;
        for (run, goes_on) in
            [(&mut self.long_waits, wait > target), (&mut self.little_use, is_little)]
        {
            if goes_on {
                run.add(window);
            } else {
                *run = Run::default();
            }
        }
    }

    /// Goes back if the last growth was of no use.
    fn judge(&mut self, window: &Window) -> Option<(usize, Signal)> {
        let trial = self.trial.as_mut()?;
        trial.after.add(window);
        if trial.after.windows < trial.before.windows {
            return None;
        }
        let trial = self.trial.take()?;
        let (before, after) = (&trial.before, &trial.after);
        let still_waits = self.long_waits.windows >= after.windows;
        // As much more as half of what was added: times 1 + (limit - from) / from / 2.
        let from = u128::from(milli(trial.from));
        let much_more = |before: u64, after: u64| {
            let expected = u128::from(before) * (from + u128::from(milli(self.limit)));
            u128::from(after) * 2 * from >= expected
        };
        let is_slower = much_more(before.mean_hold_ns(), after.mean_hold_ns());
        if !still_waits || !is_slower || much_more(before.served, after.served) {
            return None;
        }
        self.too_small = trial.too_small;
        self.enough = Some(Tried { limit: trial.from, measured: trial.hold_ns });
        Some((trial.from, Signal::Saturated))
    }

    fn grow(&mut self, load: Load) -> Option<(usize, Signal)> {
        let run = self.long_waits;
        if self.trial.is_some() || run.windows < TO_GROW || self.limit >= self.adaptive.max_max {
            return None;
        }
        if let Some(enough) = self.enough.filter(|enough| self.limit >= enough.limit) {
            if !is_a_third_less(load.hold_ns, enough.measured) {
                return None;
            }
            self.enough = None;
        }
        let to = (self.limit + (self.limit / 4).max(1)).min(self.adaptive.max_max);
        let (from, too_small) = (self.limit, self.too_small);
        let (hold_ns, after) = (load.hold_ns, Run::default());
        self.trial = Some(Trial { from, before: run, hold_ns, after, too_small });
        self.too_small = Some(Tried { limit: from, measured: load.use_milli });
        Some((to, Signal::Waits))
    }

    fn shrink(&mut self, load: Load) -> Option<(usize, Signal)> {
        let run = self.little_use;
        if run.windows < TO_SHRINK {
            return None;
        }
        let mut least = self.adaptive.min_max;
        if let Some(too_small) = self.too_small {
            if is_a_third_less(load.use_milli, too_small.measured) {
                self.too_small = None;
            } else {
                least = least.max(too_small.limit + 1);
            }
        }
        let needed = run.most_use_milli.div_ceil(10 * MOST_USE_PERCENT);
        let step = self.limit - (self.limit / 4).max(1);
        let to = step.max(usize::try_from(needed).unwrap_or(usize::MAX)).max(least);
        (to < self.limit).then_some((to, Signal::Unused))
    }
}

fn is_a_third_less(now: u64, then: u64) -> bool {
    u128::from(now) * 3 < u128::from(then) * 2
}

fn milli(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(1_000)
}

fn nanos(duration: Duration) -> u64 {
    saturated(duration.as_nanos())
}

fn saturated(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
