//! What stands before and around an acquire: tags, leaks, rate limits, the circuit, and relief when there is
//! too little for all.

pub(crate) mod circuit;
pub(crate) mod leaks;
#[cfg(feature = "rate-limit")]
pub(crate) mod limits;
pub(crate) mod relief;
pub(crate) mod tags;
mod window;

use std::sync::Arc;

use self::circuit::Circuit;
use self::leaks::Leaked;
#[cfg(feature = "rate-limit")]
use self::limits::Limits;
use self::relief::Relief;
use self::tags::{Account, Tags};
use crate::ask::Ask;
use crate::connector::Connector;
use crate::settings::Settings;

/// What is known about one who asks, beyond what decides the order. Kept while it waits and while it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) tag: Option<Arc<Account>>,
    pub(crate) task: Option<tokio::task::Id>,
}

/// One pool's. What is off is `None`, and asked for by one look.
pub(crate) struct Gate<C: Connector> {
    pub(crate) tags: Tags,
    pub(crate) leaked: Option<Leaked>,
    #[cfg(feature = "rate-limit")]
    pub(crate) limits: Option<Limits>,
    pub(crate) circuit: Option<Circuit>,
    pub(crate) relief: Relief<C>,
    /// Whether there is something to do when any connection is given back, whoever had it.
    pub(crate) notes_returns: bool,
}

impl Marks {
    pub(crate) fn tag_name(&self) -> Option<&str> {
        self.tag.as_ref().map(|account| &*account.name)
    }
}

impl<C: Connector> Gate<C> {
    pub(crate) fn new(settings: &Settings) -> Self {
        let relief = Relief::new(&settings.degradation);
        Self {
            notes_returns: settings.leaks.is_some()
                || settings.observe.spans
                || relief.is_measuring,
            tags: Tags::new(settings),
            leaked: settings.leaks.map(Leaked::new),
            #[cfg(feature = "rate-limit")]
            limits: Limits::new(&settings.rate_limits),
            circuit: settings.breaker.clone().map(Circuit::new),
            relief,
        }
    }

    /// What there is to know about one who asks now.
    pub(crate) fn marks(&self, ask: &Ask) -> Marks {
        Marks {
            tag: ask.tag.as_ref().map(|tag| self.tags.account(tag)),
            task: self.leaked.as_ref().and_then(|_| tokio::task::try_id()),
        }
    }
}
