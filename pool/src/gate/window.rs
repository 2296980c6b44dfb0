//! How many of what was tried lately has failed.

use std::time::Duration;

use tokio::time::Instant;

/// How finely the window moves on: by a tenth of its length.
const PARTS: usize = 10;

/// Counts over the last while, in parts, the oldest of which is forgotten as a whole.
#[derive(Debug)]
pub(super) struct Window {
    part: Duration,
    parts: [Outcomes; PARTS],
    /// The part that is counted in, and when it began.
    at: usize,
    begun: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    pub(super) total: u32,
    pub(super) failed: u32,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let part = length / u32::try_from(PARTS).unwrap_or(1);
        Self {
            // A clock knows no time shorter than a nanosecond.
            part: part.max(Duration::from_nanos(1)),
            parts: Default::default(),
            at: 0,
            begun: None,
        }
    }

    pub(super) fn record(&mut self, failed: bool, now: Instant) {
        self.move_on(now);
        let part = &mut self.parts[self.at];
        part.total = part.total.saturating_add(1);
        part.failed = part.failed.saturating_add(u32::from(failed));
    }

    pub(super) fn outcomes(&mut self, now: Instant) -> Outcomes {
        self.move_on(now);
        let add = |sum: Outcomes, part: &Outcomes| Outcomes {
            total: sum.total.saturating_add(part.total),
            failed: sum.failed.saturating_add(part.failed),
        };
        self.parts.iter().fold(Outcomes::default(), add)
    }

    pub(super) fn forget(&mut self) {
        self.parts = Default::default();
        self.begun = None;
    }

    /// Forgets what is too old.
    fn move_on(&mut self, now: Instant) {
        let begun = *self.begun.get_or_insert(now);
        let over = now.saturating_duration_since(begun).as_nanos() / self.part.as_nanos();
        let steps = usize::try_from(over).unwrap_or(PARTS).min(PARTS);
        for _ in 0..steps {
            self.at = (self.at + 1) % PARTS;
            self.parts[self.at] = Outcomes::default();
        }
        if let Ok(over) = u32::try_from(over)
            && steps < PARTS
        {
            self.begun = Some(begun + self.part * over);
        } else {
            self.begun = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Outcomes, Window};

    #[test]
    fn what_is_older_than_the_window_is_forgotten_and_nothing_that_is_younger() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut window = Window::new(Duration::from_secs(10));
        for second in 0..10 {
            window.record(second < 5, at(second));
        }
        assert_eq!(window.outcomes(at(9)), Outcomes { total: 10, failed: 5 });
        // Each part is a second: at 12, those of 3 to 9 are left.
        assert_eq!(window.outcomes(at(12)), Outcomes { total: 7, failed: 2 });
        assert_eq!(window.outcomes(at(19)), Outcomes::default());
        window.record(true, at(1_000_000));
        assert_eq!(window.outcomes(at(1_000_009)), Outcomes { total: 1, failed: 1 });
        assert_eq!(window.outcomes(at(1_000_010)), Outcomes::default());
    }
}
