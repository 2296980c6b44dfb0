//! The manager over MySQL or MariaDB: a private MariaDB server, or the one that `TEST_MYSQL_URL` names.
#![cfg(feature = "mysql")]

#[path = "common/nine.rs"]
mod nine;
#[path = "common/remote.rs"]
mod remote;
#[path = "common/server.rs"]
mod server;

use server::MARIADB;
use sqlx::MySql;

remote::remote!(
    MySql,
    MARIADB,
    "TEST_MYSQL_URL",
    "SIGNED",
    [
        "CREATE DATABASE IF NOT EXISTS pool_test",
        "CREATE TABLE IF NOT EXISTS pool_test.dropped (n int) ENGINE=InnoDB",
        "DELETE FROM pool_test.dropped",
    ],
    "pool_test.dropped",
    "SELECT a.help_topic_id FROM mysql.help_topic a, mysql.help_topic b LIMIT 10000"
);

/// Whether the server says that the connection is inside a transaction. Asked as one message, so that nothing
/// that sqlx prepares comes in between.
async fn is_in_transaction(connection: &mut sqlx::MySqlConnection) -> bool {
    let row = connection.fetch_one("SELECT @@in_transaction = 1").await.unwrap();
    let answer: i64 = sqlx::Row::get(&row, 0);
    answer == 1
}

#[tokio::test]
async fn session_state_does_not_reach_the_next_borrower_if_it_is_reset() {
    for reset in [true, false] {
        let config = config!("session", 1, 1).reset_session(reset);
        let manager = ConnectionManager::connect(config).await.unwrap();
        let mut connection = manager.acquire().await.unwrap();
        connection.execute("SET @left_over = 7").await.unwrap();
        connection.execute("CREATE TEMPORARY TABLE mysql.left_over (n int)").await.unwrap();
        drop(connection);
        let mut connection = manager.acquire().await.unwrap();
        let left: Option<i64> =
            sqlx::query_scalar("SELECT @left_over").fetch_one(&mut *connection).await.unwrap();
        let there = connection.execute("SELECT n FROM mysql.left_over").await.is_ok();
        assert_eq!((left, there), if reset { (None, false) } else { (Some(7), true) });
        assert_eq!(manager.stats().closed[&Reason::Spent] > 0, reset);
    }
}
