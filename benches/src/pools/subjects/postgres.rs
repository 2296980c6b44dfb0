//! PostgreSQL as a backend.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use super::super::subject::{Backend, Failed};

/// A server.
#[derive(Clone, Debug)]
pub struct Server {
    /// How to reach it.
    pub options: PgConnectOptions,
}

impl Backend for Server {
    type Connection = PgConnection;

    async fn connect(&self) -> Result<PgConnection, Failed> {
        PgConnection::connect_with(&self.options).await.map_err(failed)
    }

    async fn check(&self, connection: &mut PgConnection) -> Result<(), Failed> {
        connection.ping().await.map_err(failed)
    }

    async fn check_shared(&self, _: &PgConnection) -> Result<(), Failed> {
        Ok(())
    }
}

fn failed(error: sqlx::Error) -> Failed {
    Failed(error.to_string())
}
