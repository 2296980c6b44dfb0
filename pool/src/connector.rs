//! What a pool needs to know about what it connects to.

use std::error::Error;
use std::future::{Future, ready};

use crate::hooks::{ConnectionMetadata, HookSet, HookStats};

/// The state in which a borrower gives a connection back, as far as it can be told without asking the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It can be handed on as it is.
    Clean,
    /// It has something to finish first, or session state to drop: [`Connector::clean`] does that.
    Dirty,
    /// A call on it was cut short, so that its state is unknown until [`Connector::clean`] has asked.
    CutShort,
    /// It is not to be handed on at all: it is closed, and another one is opened where one is wanted.
    Spent,
}

/// Opens, checks, cleans and closes connections for a [`Pool`](crate::Pool).
///
/// The pool runs each of these in a task of its own and with a time limit. When a limit is over, the future
/// and its connection are dropped.
pub trait Connector: Send + Sync + 'static {
    /// What is pooled.
    type Connection: Send + 'static;
    /// What may go wrong.
    type Error: Error + Send + Sync + 'static;

    /// What a pool is called that was given no name: where this connects to.
    fn name(&self) -> Option<String> {
        None
    }

    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Self::Error>> + Send;

    /// Sees whether an idle connection still works.
    fn check(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Tells in which state a connection comes back. Runs in the borrower's drop, so it must not wait.
    fn condition(&self, connection: &mut Self::Connection) -> Condition;

    /// Makes a connection fit for the next borrower. An error means that it has to be closed.
    fn clean(
        &self,
        connection: &mut Self::Connection,
        condition: Condition,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Which of the hooks below it has: [`HookSet`] says when each runs. None, if this is not implemented.
    fn hooks(&self) -> HookSet {
        HookSet::default()
    }

    /// What the hooks did that [`connect`](Self::connect) runs, if it runs any: `before_connect` and
    /// `after_connect`, for [`Stats::hooks`](crate::Stats::hooks). The pool counts the others.
    fn connect_hooks(&self) -> HookStats {
        HookStats::default()
    }

    /// Tells whether a connection may be lent. Limit: `hooks.before_acquire`.
    fn before_acquire(
        &self,
        _connection: &mut Self::Connection,
        _metadata: ConnectionMetadata,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        ready(Ok(true))
    }

    /// Tells whether a connection that came back may be kept. Limit: `hooks.after_release`.
    fn after_release(
        &self,
        _connection: &mut Self::Connection,
        _metadata: ConnectionMetadata,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        ready(Ok(true))
    }

    /// The faults that the pool is to inject into these steps.
    #[cfg(feature = "fault-injection")]
    fn faults(&self) -> Option<&crate::faults::Faults> {
        None
    }

    /// Closes a connection in good order.
    fn close(
        &self,
        connection: Self::Connection,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}
