//! A caller that waits for a connection.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout_at;

use crate::connector::Connector;
use crate::core::{Lease, Refusal, Request, Turn, Waiter};
use crate::error::Error;
use crate::event::event;
use crate::shared::{Item, Shared};

/// A place in the queue. Dropping it leaves the queue, and passes on what was handed over meanwhile.
struct Place<'a, C: Connector> {
    shared: &'a Arc<Shared<C>>,
    turn: Turn,
    waiter: Arc<Waiter<Item<C>>>,
    is_served: bool,
}

/// Waits until it is this caller's turn. Allocates a place in the queue, and has a timer, which the way of a
/// caller that need not wait has not.
pub(crate) async fn wait<C: Connector>(
    shared: &Arc<Shared<C>>,
    request: Request,
    limit: Duration,
) -> Result<Lease<Item<C>>, Error> {
    let (turn, waiter) = shared.core.join(request).map_err(refused)?;
    let mut place = Place { shared, turn, waiter, is_served: false };
    event!(debug, shared, { by = %request.by, }, "waiting for a connection");
    shared.pump();
    // A sum beyond the clock's range is no deadline at all; a century is none either.
    let deadline = request.since.checked_add(limit);
    let deadline = deadline.unwrap_or_else(|| request.since + Duration::from_secs(3_000_000_000));
    match timeout_at(deadline, place.served()).await {
        Ok(served) => served.map_err(refused),
        Err(_) => {
            // Before it is told why, the caller no longer counts among those who wait.
            place.is_served = true;
            place.leave();
            let (waited, why) = (request.since.elapsed(), shared.why());
            shared.core.with_tally(|tally| tally.timeouts += 1);
            event!(warn, shared, { by = %request.by, waited = ?waited, reason = %why, }, "no connection in time");
            Err(Error::Timeout { waited, why })
        }
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Closed => Error::Closed,
        Refusal::Connect(cause) => Error::Connect { cause },
    }
}

impl<C: Connector> Place<'_, C> {
    fn served(&mut self) -> impl Future<Output = Result<Lease<Item<C>>, Refusal>> {
        poll_fn(|context| {
            let polled = self.waiter.poll(context);
            self.is_served = polled.is_ready();
            polled
        })
    }

    fn leave(&self) {
        if let Some(lease) = self.shared.core.leave(self.turn, &self.waiter) {
            self.shared.pass_on(lease);
        }
    }
}

impl<C: Connector> Drop for Place<'_, C> {
    fn drop(&mut self) {
        if !self.is_served {
            self.leave();
            self.shared.core.with_tally(|tally| tally.given_up += 1);
        }
    }
}
