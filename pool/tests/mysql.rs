//! The manager over MySQL or MariaDB: a private MariaDB server, or the one that `TEST_MYSQL_URL` names.
#![cfg(feature = "mysql")]

#[path = "common/nine.rs"]
mod nine;
#[path = "common/server.rs"]
mod server;

use std::sync::LazyLock;

use server::{MARIADB, Server, Shared, skipped};
use sqlx::{Executor, MySql};

/// All tests of this binary share a server, which ends with the process.
static SHARED: LazyLock<Option<Shared>> =
    LazyLock::new(|| Shared::start(&MARIADB, "TEST_MYSQL_URL"));

fn url(_: &str) -> Option<String> {
    SHARED.as_ref().map(Shared::url)
}

nine::nine!(MySql, url, "SIGNED");

/// Whether the server says that the connection is inside a transaction. Asked as one message, so that nothing
/// that sqlx prepares comes in between.
async fn is_in_transaction(connection: &mut sqlx::MySqlConnection) -> bool {
    let row = connection.fetch_one("SELECT @@in_transaction = 1").await.unwrap();
    let answer: i64 = sqlx::Row::get(&row, 0);
    answer == 1
}

#[tokio::test]
async fn the_test_itself_tells_a_transaction_from_none() {
    let manager = ConnectionManager::connect(config!("itself", 1, 1)).await.unwrap();
    let mut connection = manager.acquire().await.unwrap();
    assert!(!is_in_transaction(&mut connection).await);
    connection.execute("BEGIN").await.unwrap();
    assert!(is_in_transaction(&mut connection).await);
}

#[tokio::test]
async fn a_begin_cut_short_leaves_no_transaction() {
    let manager = ConnectionManager::connect(config!("begin", 1, 1)).await.unwrap();
    for polls in 0..8 {
        for way in 0..3 {
            match way {
                0 => drop(cut_short(polls, manager.begin()).await),
                1 => {
                    let mut connection = manager.acquire().await.unwrap();
                    drop(cut_short(polls, connection.begin()).await);
                }
                _ => {
                    let mut connection = manager.acquire().await.unwrap();
                    drop(cut_short(polls, sqlx::Connection::begin(&mut *connection)).await);
                }
            }
            let mut connection = manager.acquire().await.unwrap();
            assert!(!is_in_transaction(&mut connection).await, "way {way}, {polls} polls");
        }
    }
    assert_eq!(manager.stats().closed_total(), 0, "rolled back, not closed");
}

#[tokio::test]
async fn a_dropped_transaction_and_a_query_cut_short_leave_nothing_behind() {
    let manager = ConnectionManager::connect(config!("dropped", 1, 1)).await.unwrap();
    manager.execute("CREATE DATABASE IF NOT EXISTS pool_test").await.unwrap();
    manager
        .execute("CREATE TABLE IF NOT EXISTS pool_test.dropped (n int) ENGINE=InnoDB")
        .await
        .unwrap();
    manager.execute("DELETE FROM pool_test.dropped").await.unwrap();
    let mut transaction = manager.begin().await.unwrap();
    transaction.execute("INSERT INTO pool_test.dropped VALUES (1)").await.unwrap();
    drop(transaction);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM pool_test.dropped")
        .fetch_one(&manager)
        .await
        .unwrap();
    assert_eq!((count, manager.stats().closed_total()), (0, 0));
    for polls in 0..6 {
        let rows = "SELECT a.help_topic_id FROM mysql.help_topic a, mysql.help_topic b LIMIT 10000";
        drop(cut_short(polls, manager.fetch_all(rows)).await);
        let mut connection = manager.acquire().await.unwrap();
        drop(cut_short(polls, connection.fetch_all(rows)).await);
        drop(connection);
        let mut connection = manager.acquire().await.unwrap();
        assert!(!is_in_transaction(&mut connection).await);
    }
    assert_eq!(manager.stats().closed_total(), 0, "finished, not closed");
}

#[tokio::test]
async fn a_server_that_stops_is_reported_fast_and_one_that_starts_is_used_again() {
    let mut server = match Server::start(&MARIADB) {
        Ok(server) => server,
        Err(why) => return skipped(&format!("stopping and starting MariaDB: {why}")),
    };
    let config = Config::<MySql>::new(&server.url()).unwrap().min(2).max(4);
    let manager = ConnectionManager::connect(config).await.unwrap();
    server.tell("stop");
    tokio::time::sleep(Duration::from_millis(150)).await;
    for _ in 0..5 {
        let error = manager.acquire().await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error}");
    }
    server.tell("start");
    let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&manager).await.unwrap();
    assert_eq!(one, 1);
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
