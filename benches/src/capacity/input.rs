//! What a plan is made for.

use super::database;
use super::error::{InputError, wrong};
use super::load::Callers;
use super::service::Service;
use crate::number::{count, float};

/// What a plan is made for, checked.
#[derive(Clone, Debug)]
pub struct Input {
    /// Calls a second at one instance.
    pub rate: f64,
    /// How long a connection is held.
    pub service: Service,
    /// Calls in flight at one instance, beyond which new ones are refused.
    pub concurrency: Option<usize>,
    /// How many per cent of the calls the target is for.
    pub quantile: f64,
    /// How long these may wait.
    pub wait_ms: f64,
    /// Instances of the program.
    pub instances: usize,
    /// The size that is configured.
    pub size: Option<usize>,
    /// Connections that a caller holds at a time.
    pub held: usize,
    /// How long opening takes, in seconds.
    pub connect: f64,
    /// Connections that the server takes.
    pub server_limit: Option<usize>,
    /// Of these, how many are not for this program.
    pub reserved: usize,
    /// The server's cores.
    pub cores: Option<usize>,
    /// The server's disks.
    pub spindles: usize,
    /// What was measured on the database.
    pub measured: Option<database::Measured>,
}

impl Input {
    /// Connections that are busy on average (the offered load, in Erlangs), at one instance.
    #[must_use]
    pub fn offered(&self) -> f64 {
        self.busy(self.rate)
    }

    /// The same at another rate.
    #[must_use]
    pub fn busy(&self, rate: f64) -> f64 {
        rate * self.service.mean() * float(self.held)
    }

    /// The rate at which this part of so many connections is busy.
    #[must_use]
    pub fn rate_at(&self, utilisation: f64, size: usize) -> f64 {
        utilisation * float(size) / (self.service.mean() * float(self.held))
    }

    /// How callers behave. The pool's own limit on a wait is far below their patience.
    #[must_use]
    pub fn callers(&self) -> Callers {
        Callers { limit: self.concurrency, held: self.held, patience: 2.0 * self.limit() }
    }

    /// How long a pool makes a caller wait before it gives up, in seconds: its usual half minute, or more where
    /// that is nothing beside a service time.
    #[must_use]
    pub fn limit(&self) -> f64 {
        (1e3 * self.service.mean()).max(30.0)
    }

    /// The share of time for which a connection of so many is busy.
    #[must_use]
    pub fn utilisation(&self, size: usize) -> f64 {
        self.offered() / float(size)
    }

    /// Whether a call can be served at all, and the queue does not grow for ever.
    #[must_use]
    pub fn is_stable(&self, size: usize, rate: f64) -> bool {
        size >= self.held && (self.concurrency.is_some() || self.busy(rate) < float(size))
    }

    /// The least size at which that is so.
    #[must_use]
    pub fn least(&self) -> usize {
        if self.concurrency.is_some() { self.held } else { count(self.offered()) + 1 }
    }

    /// The least size that may hold the target: below it, callers can wait for one another for ever.
    #[must_use]
    pub fn floor(&self) -> usize {
        self.deadlock_floor().unwrap_or(1)
    }

    /// What an instance gets of the server's connections, with so many instances.
    #[must_use]
    pub fn share(&self, instances: usize) -> Option<usize> {
        self.server_limit.map(|limit| limit.saturating_sub(self.reserved) / instances)
    }

    /// The size from which callers that hold several connections cannot all wait for one another.
    #[must_use]
    pub fn deadlock_floor(&self) -> Option<usize> {
        let callers = self.concurrency.filter(|_| self.held > 1)?;
        Some(callers.saturating_mul(self.held - 1).saturating_add(1))
    }

    /// `HikariCP`'s rule of thumb, of what one instance gets.
    #[must_use]
    pub fn hikari(&self) -> Option<usize> {
        self.cores.map(|cores| ((cores * 2 + self.spindles) / self.instances).max(1))
    }

    /// Checks what fields say together.
    pub(super) fn check(&self) -> Result<(), InputError> {
        let mean = self.service.mean();
        if mean < 1e-6 {
            let problem = format!("{} ms is less than a microsecond", mean * 1e3);
            return wrong("service.mean_ms", problem);
        }
        if self.offered() > 20_000.0 {
            let problem =
                format!("{:.0} connections would be busy; 20,000 at most", self.offered());
            return wrong("rate", problem);
        }
        if self.held > 1 && self.concurrency.is_none() {
            let problem = "callers that hold several connections need a limit: set concurrency";
            return wrong("held", problem);
        }
        self.check_load("size", self.size)?;
        match self.share(self.instances) {
            Some(0) => wrong(
                "server.limit",
                format!(
                    "leaves no connection for each of {} instances, beside {} reserved",
                    self.instances, self.reserved
                ),
            ),
            share => self.check_load("server.limit", share),
        }
    }

    /// So many connections must serve what comes, unless callers are limited.
    fn check_load(&self, field: &'static str, size: Option<usize>) -> Result<(), InputError> {
        match size {
            Some(size) if !self.is_stable(size, self.rate) => wrong(
                field,
                format!(
                    "{size} connections serve {:.0} calls a second, and {:.0} come to an instance: at a \
                     utilisation of {:.2} waits grow for ever. Limit the callers (concurrency) or add \
                     connections",
                    self.rate_at(1.0, size),
                    self.rate,
                    self.utilisation(size)
                ),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::file::{File, ServiceFile};
    use super::*;

    /// Exponential service at one instance.
    pub(in crate::capacity) fn exponential(rate: f64, mean_ms: f64) -> Input {
        let service = ServiceFile { mean_ms: Some(mean_ms), ..ServiceFile::default() };
        let file = File { rate: Some(rate), service, ..File::default() };
        file.resolve(None, true).unwrap()
    }

    #[test]
    fn callers_that_are_limited_may_bring_any_load() {
        let input = exponential(1_000.0, 8.0);
        assert!(!input.is_stable(8, 1_000.0) && input.is_stable(9, 1_000.0));
        assert_eq!((input.least(), input.utilisation(16)), (9, 0.5));
        let input = Input { concurrency: Some(30), ..input };
        assert!(input.is_stable(4, 1_000.0) && input.least() == 1);
    }
}
