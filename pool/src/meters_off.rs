//! What stands in for `meters` without the feature `metrics`: nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::connector::Connector;
use crate::shared::Shared;

pub(crate) struct Meters;

impl Meters {
    pub(crate) fn new(_: &str) -> Self {
        Self
    }

    pub(crate) fn opened(&self, _: Duration) {}

    pub(crate) fn waited(&self, _: Instant, _: Instant) {}

    pub(crate) fn used(&self, _: Instant, _: Instant) {}

    pub(crate) fn timed_out(&self) {}
}

impl<C: Connector> Shared<C> {
    pub(crate) fn record_gauges(&self) {}
}

pub(crate) fn start<C: Connector>(_: &Arc<Shared<C>>) {}
