//! The spans of those who ask for them by [`Observe::spans`](crate::Observe::spans).
//!
//! They have the target `pool`, the level `INFO`, and fields that are named as those of the events.

use std::panic::Location;
use std::sync::Arc;

use tracing::field::{Empty, display};
use tracing::{Instrument, Span, info_span};

use crate::acquiring::Acquiring;
use crate::ask::Ask;
use crate::connector::Connector;
use crate::error::Error;
use crate::guard::Guard;
use crate::id::ConnectionId;
use crate::shared::Shared;

/// Acquires inside a span, and begins that of holding. Both are children of the caller's.
pub(crate) async fn acquire<C: Connector>(
    shared: &Arc<Shared<C>>,
    by: &'static Location<'static>,
    ask: Ask,
) -> Result<Guard<C>, Error> {
    let span = info_span!(
        target: "pool",
        "db.client.connection.acquire",
        pool = %shared.settings.name,
        by = %by,
        priority = ?ask.priority,
        tenant = ask.tenant.as_deref(),
        id = Empty,
        error = Empty,
    );
    let inside = Acquiring::new(shared, by, Ask { is_in_span: true, ..ask });
    let acquired = inside.instrument(span.clone()).await;
    match &acquired {
        Ok(guard) => span.record("id", display(guard.id())),
        Err(error) => span.record("error", display(error)),
    };
    drop(span);
    acquired.map(|guard| guard.in_span(by))
}

/// Lasts for as long as a connection is held.
pub(crate) fn holding(pool: &str, id: ConnectionId, by: &'static Location<'static>) -> Span {
    info_span!(target: "pool", "db.client.connection.use", pool = %pool, id = %id, by = %by)
}
