//! Faults on purpose, for tests and drills: steps that fail or take longer, by a seed or by a script.

mod faulty;
mod plan;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::sleep;

pub use self::faulty::Faulty;
use self::plan::Plan;
use crate::connector::Connector;
use crate::error::{Cause, ConfigError};
use crate::event::event;
use crate::shared::Shared;
use crate::step::Step;
use crate::sync::Mutex;

/// What happens to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It fails, and nothing of it is done.
    Fail,
    /// It begins this much later. Its time limit goes on meanwhile.
    Delay(Duration),
}

/// The error of a step that was made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("injected fault: {step} number {nth} fails")]
pub struct Injected {
    /// Which step.
    pub step: Step,
    /// The how-manieth of its kind, from 1.
    pub nth: u64,
}

/// How often a step came, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaultCounts {
    /// How often it came.
    pub seen: u64,
    /// How often it was made to fail.
    pub failed: u64,
    /// How often it was delayed.
    pub delayed: u64,
}

/// What was injected so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaultStats {
    /// The seed.
    pub seed: u64,
    /// What became of each step that came.
    pub steps: BTreeMap<Step, FaultCounts>,
}

/// Faults on purpose, for tests and drills. Cheap to clone: clones are handles of one plan, which may be
/// changed while pools run.
///
/// Whether the n-th step of a kind fails or is delayed depends on the seed, the kind and n alone. So a run
/// repeats exactly: in tokio's paused time on one thread event by event, and elsewhere as far as the steps
/// come in the same order. (The jitter of lifetimes depends on the time of day. It is not a fault; leave
/// lifetimes out of runs that have to repeat.)
///
/// They are given to a pool by [`Config::faults`](crate::Config::faults), or by [`Faulty`] around any other
/// connector.
///
/// ```
/// use std::time::Duration;
///
/// use pool::faults::{Fault, Faults};
/// use pool::Step;
///
/// # fn main() -> Result<(), pool::ConfigError> {
/// let faults = Faults::new(42);
/// faults.set_rate(Step::Connect, 0.1)?; // one in ten fails
/// faults.set_delay(Step::Check, 0.5, Duration::from_millis(20))?; // every other is slow
/// faults.script(Step::Connect, 3, Fault::Fail)?; // and the third fails in any case
///
/// let wrong = faults.set_rate(Step::Query, 1.5).unwrap_err();
/// assert_eq!(wrong.to_string(), "rate of querying: 1.5 is not between 0 and 1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Faults {
    seed: u64,
    plan: Arc<Mutex<Plan>>,
}

impl Faults {
    /// No faults yet.
    pub fn new(seed: u64) -> Self {
        Self { seed, plan: Arc::new(Mutex::new(Plan::default())) }
    }

    /// From now on, this share of the steps of a kind fails.
    ///
    /// # Errors
    /// When the rate is not between 0 and 1.
    pub fn set_rate(&self, step: Step, rate: f64) -> Result<(), ConfigError> {
        let rate = share("rate", step, rate)?;
        self.plan.lock().of(step).fails = rate;
        Ok(())
    }

    /// From now on, this share of the steps of a kind, of those that do not fail, begins so much later.
    ///
    /// # Errors
    /// When the rate is not between 0 and 1.
    pub fn set_delay(&self, step: Step, rate: f64, delay: Duration) -> Result<(), ConfigError> {
        let rate = share("delay rate", step, rate)?;
        self.plan.lock().of(step).delayed = (rate, delay);
        Ok(())
    }

    /// The `nth` step of a kind, from 1 and counted since these faults were made, meets this fault whatever
    /// the rates say.
    ///
    /// # Errors
    /// When so many have come already.
    pub fn script(&self, step: Step, nth: u64, fault: Fault) -> Result<(), ConfigError> {
        let mut plan = self.plan.lock();
        let of_step = plan.of(step);
        if nth <= of_step.counts.seen {
            let problem = format!("number {nth} is over; {} have come", of_step.counts.seen);
            return Err(ConfigError::new(format!("script of {step}"), problem));
        }
        of_step.script.insert(nth, fault);
        Ok(())
    }

    /// Ends all faults: rates and scripts. The counts go on.
    pub fn stop(&self) {
        self.plan.lock().stop();
    }

    /// What was injected so far.
    pub fn stats(&self) -> FaultStats {
        FaultStats { seed: self.seed, steps: self.plan.lock().counts() }
    }

    /// Counts a step, delays it if it is its turn, and answers an error if it is to fail.
    ///
    /// The pool does so at its own steps. Call it at places of your own: before a query on a borrowed
    /// connection, for one, which the pool does not see.
    ///
    /// Cancel-safe: the step counts.
    ///
    /// # Errors
    /// [`Injected`] when it is to fail.
    pub async fn strike(&self, step: Step) -> Result<(), Injected> {
        let (nth, fault) = self.next(step);
        perform(Injected { step, nth }, fault).await
    }

    fn next(&self, step: Step) -> (u64, Option<Fault>) {
        self.plan.lock().of(step).next(self.seed, step)
    }
}

async fn perform(injected: Injected, fault: Option<Fault>) -> Result<(), Injected> {
    match fault {
        None => Ok(()),
        Some(Fault::Fail) => Err(injected),
        Some(Fault::Delay(delay)) => {
            sleep(delay).await;
            Ok(())
        }
    }
}

fn share(what: &str, step: Step, rate: f64) -> Result<f64, ConfigError> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(rate);
    }
    let problem = format!("{rate} is not between 0 and 1");
    Err(ConfigError::new(format!("{what} of {step}"), problem))
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl<C: Connector> Shared<C> {
    /// Lets a step of this pool meet its fault.
    pub(crate) async fn strike(&self, step: Step) -> Result<(), Cause> {
        let Some(faults) = self.connector.faults() else { return Ok(()) };
        let (nth, fault) = faults.next(step);
        if let Some(fault) = fault {
            event!(warn, self, { step = step.name(), nth, fault = ?fault, }, "fault injected");
        }
        perform(Injected { step, nth }, fault)
            .await
            .map_err(|injected| -> Cause { Arc::new(injected) })
    }
}
