//! Waits for exponential service, by Erlang's C formula.
//!
//! Not from `poolsim-core` (0.4), whose formula sums terms that overflow: its probability to wait is not a number
//! from 720 connections on (700 are right). Its simulation begins empty and counts that beginning, draws other numbers
//! for as many chunks as the machine has threads, and answers sorted waits, of which no error can be told; it fixes
//! `rayon` to one patch release, and `rand` and `statrs` to old ones. What is needed here is shorter than that.

/// So many places, an offered load in Erlangs below that, and a mean service time in seconds.
#[derive(Clone, Copy, Debug)]
pub struct ErlangC {
    waits: f64,
    /// At what rate those who wait are served beyond those who come, a second.
    spare: f64,
}

impl ErlangC {
    /// `None` when the load is not below the number of places: waits would grow for ever.
    #[must_use]
    pub fn new(places: usize, offered: f64, mean: f64) -> Option<Self> {
        let mut free = places;
        let (mut blocked, mut place) = (1.0, 0.0);
        while free > 0 {
            place += 1.0;
            // Erlang's B of one place more, which stays between 0 and 1.
            blocked = offered * blocked / (place + offered * blocked);
            free -= 1;
        }
        let busy = offered / place;
        let waits = blocked / (1.0 - busy * (1.0 - blocked));
        (offered < place).then_some(Self { waits, spare: (place - offered) / mean })
    }

    /// The share of callers that wait at all.
    #[must_use]
    pub fn share_that_waits(&self) -> f64 {
        self.waits
    }

    /// The mean wait of all callers, in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.waits / self.spare
    }

    /// The wait that this per cent of the callers do not exceed, in seconds.
    #[must_use]
    pub fn quantile(&self, percent: f64) -> f64 {
        let longer = 1.0 - percent / 100.0;
        if longer >= self.waits { 0.0 } else { (self.waits / longer).ln() / self.spare }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_what_is_known() {
        // One place is M/M/1: a busy share of callers waits, rho / (1 - rho) service times on average.
        let one = ErlangC::new(1, 0.8, 0.01).unwrap();
        assert!((one.share_that_waits() - 0.8).abs() < 1e-12);
        assert!((one.mean() - 0.04).abs() < 1e-12);
        // From tables: two places at 90 %, and ten at 80 %.
        assert!((ErlangC::new(2, 1.8, 1.0).unwrap().share_that_waits() - 0.852_632).abs() < 1e-6);
        assert!((ErlangC::new(10, 8.0, 1.0).unwrap().share_that_waits() - 0.409_180).abs() < 1e-5);
    }

    #[test]
    fn it_holds_for_thousands_of_places() {
        let many = ErlangC::new(10_000, 9_950.0, 0.01).unwrap();
        assert!((0.3..0.7).contains(&many.share_that_waits()), "{many:?}");
    }

    #[test]
    fn too_much_load_has_no_answer() {
        assert!(ErlangC::new(4, 4.0, 1.0).is_none() && ErlangC::new(4, 5.0, 1.0).is_none());
    }

    #[test]
    fn quantiles_invert_the_tail() {
        let queue = ErlangC::new(4, 3.0, 1.0).unwrap();
        assert_eq!(queue.quantile(20.0), 0.0);
        let p99 = queue.quantile(99.0);
        assert!((queue.share_that_waits() * (-p99).exp() - 0.01).abs() < 1e-12);
    }
}
