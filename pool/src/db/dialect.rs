//! What differs from database to database.

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
    Other,
}

impl Dialect {
    pub(super) fn of_scheme(scheme: &str) -> Self {
        match scheme {
            "postgres" | "postgresql" => Self::Postgres,
            "mysql" | "mariadb" => Self::MySql,
            "sqlite" => Self::Sqlite,
            _ => Self::Other,
        }
    }

    /// Whether there is a server that may know more than the driver.
    pub(super) fn is_remote(self) -> bool {
        matches!(self, Self::Postgres | Self::MySql)
    }

    /// What gives a session back the state in which it began. All that `DISCARD ALL` does but for prepared
    /// statements, of which the driver keeps a list; and in one round trip, which that does not allow.
    pub(super) fn reset(self) -> Option<&'static str> {
        match self {
            Self::Postgres => Some(
                "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                 SELECT pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES",
            ),
            Self::MySql | Self::Sqlite | Self::Other => None,
        }
    }
}
