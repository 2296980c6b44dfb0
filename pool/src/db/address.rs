//! Where a pool connects to, which is its name if it was given none.

use std::any::Any;
use std::fmt::Display;

/// `host:port/database`, or a file, as these options say. None for a database that sqlx does not come with.
pub(super) fn of(options: &dyn Any) -> Option<String> {
    #[cfg(feature = "postgres")]
    if let Some(options) = options.downcast_ref::<sqlx::postgres::PgConnectOptions>() {
        let database = options.get_database().unwrap_or(options.get_username());
        return Some(match options.get_socket() {
            Some(socket) => server(socket.display(), options.get_port(), database),
            None => server(options.get_host(), options.get_port(), database),
        });
    }
    #[cfg(feature = "mysql")]
    if let Some(options) = options.downcast_ref::<sqlx::mysql::MySqlConnectOptions>() {
        let database = options.get_database().unwrap_or_default();
        return Some(match options.get_socket() {
            Some(socket) => server(socket.display(), options.get_port(), database),
            None => server(options.get_host(), options.get_port(), database),
        });
    }
    #[cfg(feature = "sqlite")]
    if let Some(options) = options.downcast_ref::<sqlx::sqlite::SqliteConnectOptions>() {
        return Some(options.get_filename().display().to_string());
    }
    #[cfg(feature = "any")]
    if let Some(options) = options.downcast_ref::<sqlx::any::AnyConnectOptions>() {
        let url = &options.database_url;
        // Only what a URL says is known here: the drivers' own defaults are not.
        let host = url.host_str().unwrap_or_default();
        return Some(match url.port() {
            Some(port) => server(host, port, url.path().trim_start_matches('/')),
            None => format!("{host}{}", url.path()),
        });
    }
    let _ = options;
    None
}

#[cfg_attr(
    not(any(feature = "postgres", feature = "mysql", feature = "any")),
    allow(dead_code, reason = "SQLite has no server")
)]
fn server(host: impl Display, port: u16, database: &str) -> String {
    format!("{host}:{port}/{database}")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[cfg(feature = "postgres")]
    #[test]
    fn a_server_shows_neither_user_nor_password() {
        let options: sqlx::postgres::PgConnectOptions =
            "postgres://me:secret@db.example:5433/shop".parse().unwrap();
        assert_eq!(of(&options).unwrap(), "db.example:5433/shop");
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn a_server_has_its_usual_port() {
        let options: sqlx::mysql::MySqlConnectOptions =
            "mysql://me:secret@db.example/shop".parse().unwrap();
        assert_eq!(of(&options).unwrap(), "db.example:3306/shop");
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_file_is_its_path() {
        let options: sqlx::sqlite::SqliteConnectOptions = "sqlite:///tmp/shop.db".parse().unwrap();
        assert_eq!(of(&options).unwrap(), "/tmp/shop.db");
    }

    #[cfg(feature = "any")]
    #[test]
    fn a_url_is_taken_at_its_word() {
        for (url, name) in [
            ("postgres://me:secret@db.example:5433/shop?sslmode=disable", "db.example:5433/shop"),
            ("postgres://me:secret@db.example/shop", "db.example/shop"),
            ("sqlite://shop.db?mode=rwc", "shop.db"),
            ("sqlite::memory:", ":memory:"),
        ] {
            let options: sqlx::any::AnyConnectOptions = url.parse().unwrap();
            assert_eq!(of(&options).unwrap(), name);
        }
    }

    #[test]
    fn anything_else_has_no_name() {
        assert_eq!(of(&"postgres://db.example/shop"), None);
    }
}
