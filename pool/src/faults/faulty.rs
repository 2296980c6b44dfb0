//! Any connector, with faults.

use super::Faults;
use crate::connector::{Condition, Connector};
use crate::hooks::{ConnectionMetadata, HookSet, HookStats};

/// A connector whose steps meet [`Faults`]. All else is as with the connector inside.
#[derive(Debug)]
pub struct Faulty<C> {
    inner: C,
    faults: Faults,
}

impl<C: Connector> Faulty<C> {
    /// This connector with these faults.
    pub fn new(inner: C, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

impl<C: Connector> Connector for Faulty<C> {
    type Connection = C::Connection;
    type Error = C::Error;

    fn name(&self) -> Option<String> {
        self.inner.name()
    }

    async fn connect(&self) -> Result<C::Connection, C::Error> {
        self.inner.connect().await
    }

    async fn check(&self, connection: &mut C::Connection) -> Result<(), C::Error> {
        self.inner.check(connection).await
    }

    fn condition(&self, connection: &mut C::Connection) -> Condition {
        self.inner.condition(connection)
    }

    async fn clean(
        &self,
        connection: &mut C::Connection,
        condition: Condition,
    ) -> Result<(), C::Error> {
        self.inner.clean(connection, condition).await
    }

    fn hooks(&self) -> HookSet {
        self.inner.hooks()
    }

    fn connect_hooks(&self) -> HookStats {
        self.inner.connect_hooks()
    }

    async fn before_acquire(
        &self,
        connection: &mut C::Connection,
        metadata: ConnectionMetadata,
    ) -> Result<bool, C::Error> {
        self.inner.before_acquire(connection, metadata).await
    }

    async fn after_release(
        &self,
        connection: &mut C::Connection,
        metadata: ConnectionMetadata,
    ) -> Result<bool, C::Error> {
        self.inner.after_release(connection, metadata).await
    }

    fn faults(&self) -> Option<&Faults> {
        Some(&self.faults)
    }

    async fn close(&self, connection: C::Connection) -> Result<(), C::Error> {
        self.inner.close(connection).await
    }
}
