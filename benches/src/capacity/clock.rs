//! The clock that a run goes by: a virtual one, or the wall's.
//!
//! tokio's timers know whole milliseconds, too few for service times of as many. The virtual clock is tokio's
//! paused one, which jumps to the next timer whenever nothing can run: there every time is stretched until the
//! mean service time is 10,000 milliseconds, and the pool's own settings with it. What rounding leaves is half a
//! tick, a 20,000th of the mean service time, and code takes no time at all: waits are those of the pool's
//! decisions alone, and the same on every machine. On the wall's clock a timer covers all but the last two
//! milliseconds, and a loop that yields the rest; how much later than asked that ends is in the report.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::number::count;

/// Virtual milliseconds in a mean service time.
const TICKS: f64 = 10_000.0;

/// What a timer of tokio's may be late by, and a little more.
const COARSE: Duration = Duration::from_millis(2);

/// A clock. Times of the plan are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    stretch: u32,
    is_virtual: bool,
}

impl Clock {
    /// The wall's.
    pub const WALL: Self = Self { stretch: 1, is_virtual: false };

    /// A virtual one for this mean service time.
    #[must_use]
    pub fn virtual_for(mean: f64) -> Self {
        let stretch = (TICKS / 1e3 / mean).clamp(1.0, 4e9).round();
        Self { stretch: u32::try_from(count(stretch)).unwrap_or(u32::MAX), is_virtual: true }
    }

    /// How many times longer everything takes in the run.
    #[must_use]
    pub fn stretch(self) -> u32 {
        self.stretch
    }

    /// Whether code takes no time.
    #[must_use]
    pub fn is_virtual(self) -> bool {
        self.is_virtual
    }

    /// What rounding may do to a time, in seconds.
    #[must_use]
    pub fn resolution(self) -> f64 {
        if self.is_virtual { 5e-4 / f64::from(self.stretch) } else { 0.0 }
    }

    /// So many seconds, as the run has them.
    #[must_use]
    pub fn span(self, seconds: f64) -> Duration {
        let run = seconds * f64::from(self.stretch);
        if self.is_virtual {
            Duration::from_millis(u64::try_from(count((run * 1e3).round())).unwrap_or(u64::MAX))
        } else {
            Duration::from_secs_f64(run)
        }
    }

    /// What the run has, in seconds.
    #[must_use]
    pub fn seconds(self, span: Duration) -> f64 {
        span.as_secs_f64() / f64::from(self.stretch)
    }

    /// Waits for a moment.
    pub async fn until(self, at: Instant) {
        if self.is_virtual {
            tokio::time::sleep_until(at).await;
            return;
        }
        if at.saturating_duration_since(Instant::now()) > COARSE {
            tokio::time::sleep_until(at - COARSE).await;
        }
        while Instant::now() < at {
            tokio::task::yield_now().await;
        }
    }

    /// Runs a future by this clock, in a runtime of its own.
    ///
    /// # Panics
    ///
    /// If the runtime cannot be started.
    pub fn run<T>(self, work: impl Future<Output = T>) -> T {
        let runtime = if self.is_virtual {
            Builder::new_current_thread().enable_time().start_paused(true).build()
        } else {
            Builder::new_multi_thread().enable_all().build()
        };
        runtime.expect("a runtime can be started").block_on(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_times_are_whole_ticks_of_a_ten_thousandth() {
        let clock = Clock::virtual_for(8e-3);
        assert_eq!(clock.stretch(), 1_250);
        assert_eq!(clock.span(8e-3), Duration::from_secs(10));
        assert_eq!(clock.span(8.000_3e-3), Duration::from_secs(10));
        assert!((clock.seconds(clock.span(0.123_456_7)) - 0.123_456_7).abs() < 8e-3 / TICKS);
    }

    #[test]
    fn virtual_time_passes_at_once_and_exactly() {
        let clock = Clock::virtual_for(1.0);
        let passed = clock.run(async move {
            let begun = Instant::now();
            clock.until(begun + clock.span(3_600.0)).await;
            clock.seconds(begun.elapsed())
        });
        assert_eq!(passed, 3_600.0);
    }

    #[test]
    fn the_walls_clock_is_never_early() {
        let passed = Clock::WALL.run(async {
            let begun = Instant::now();
            Clock::WALL.until(begun + Duration::from_micros(3_300)).await;
            begun.elapsed()
        });
        assert!(passed >= Duration::from_micros(3_300), "{passed:?}");
    }
}
