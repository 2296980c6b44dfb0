//! Transactions, which end however their future ends.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

use sqlx::{Connection, Database};
use sqlx_core::transaction::TransactionManager;

use super::executor::begins;
use super::{ConnectionManager, PooledConnection, Sqlx};
use crate::ask::Ask;
use crate::error::Error;
use crate::tenant::Tenant;

/// A transaction that owns its connection. Dropping it rolls back, and gives the connection back when that
/// is done.
pub struct Transaction<DB: Database> {
    connection: PooledConnection<DB>,
    is_open: bool,
}

impl<DB: Database> ConnectionManager<DB> {
    /// Borrows a connection and begins a transaction on it.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let config = pool::Config::<sqlx::Sqlite>::new("sqlite::memory:")?.min(1).max(1);
    /// # let manager = pool::ConnectionManager::connect(config).await?;
    /// let mut transaction = manager.begin().await?;
    /// sqlx::query("CREATE TABLE t (n INTEGER)").execute(&mut *transaction).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// Cancel-safe: if the future is dropped while it begins, the connection is rolled back before anybody
    /// else has it.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire), and what beginning meets.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction<DB>, sqlx::Error>> + Send + '_ {
        begun(self.acquire_by(Location::caller(), Ask::new()))
    }

    /// As [`begin`](Self::begin), on a connection that is asked for in another way: with a tag that says what
    /// kind of transaction it is, say.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin).
    #[track_caller]
    pub fn begin_with(
        &self,
        ask: impl Into<Ask>,
    ) -> impl Future<Output = Result<Transaction<DB>, sqlx::Error>> + Send + '_ {
        begun(self.acquire_by(Location::caller(), ask.into()))
    }
}

impl<DB: Database> Tenant<Sqlx<DB>> {
    /// As [`ConnectionManager::begin`], in the name of this tenant.
    ///
    /// # Errors
    /// As for [`acquire`](Self::acquire), and what beginning meets.
    #[track_caller]
    pub fn begin(&self) -> impl Future<Output = Result<Transaction<DB>, sqlx::Error>> + Send + '_ {
        begun(self.acquire_by(Location::caller(), Ask::new()))
    }
}

/// Begins a transaction on the connection that this brings.
pub(super) async fn begun<DB: Database>(
    acquiring: impl Future<Output = Result<PooledConnection<DB>, Error>>,
) -> Result<Transaction<DB>, sqlx::Error> {
    let mut connection = acquiring.await?;
    begins(&mut connection).await?;
    DB::TransactionManager::begin(&mut connection, None).await?;
    connection.call_ended();
    Ok(Transaction { connection, is_open: true })
}

impl<DB: Database> PooledConnection<DB> {
    /// Begins a transaction on this connection, or a savepoint within the one that is open.
    ///
    /// Takes the place of sqlx's method of that name on the connection, after which, if it is cut short,
    /// nobody knows whether a transaction is open. Cancel-safe: see [`ConnectionManager::begin`].
    ///
    /// # Errors
    /// What beginning meets.
    pub async fn begin(&mut self) -> Result<sqlx::Transaction<'_, DB>, sqlx::Error> {
        let (connection, is_mid_call) = self.parts();
        *is_mid_call = true;
        let transaction = connection.begin().await?;
        *is_mid_call = false;
        Ok(transaction)
    }
}

impl<DB: Database> Transaction<DB> {
    /// Commits, and gives the connection back.
    ///
    /// # Errors
    /// What committing meets. The connection is rolled back then.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        begins(&mut self.connection).await?;
        DB::TransactionManager::commit(&mut self.connection).await?;
        self.connection.call_ended();
        self.is_open = false;
        Ok(())
    }

    /// Rolls back, and gives the connection back. Dropping does so too, but does not wait for it.
    ///
    /// # Errors
    /// What rolling back meets.
    pub async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.connection.call_begins();
        DB::TransactionManager::rollback(&mut self.connection).await?;
        self.connection.call_ended();
        self.is_open = false;
        Ok(())
    }
}

impl<DB: Database> Drop for Transaction<DB> {
    fn drop(&mut self) {
        if self.is_open {
            // Queues a rollback. The guard, dropped next, sees to it that it is done.
            DB::TransactionManager::start_rollback(&mut self.connection);
        }
    }
}

impl<DB: Database> Deref for Transaction<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Transaction<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }
}

impl<DB: Database> fmt::Debug for Transaction<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("connection", &self.connection).finish_non_exhaustive()
    }
}
