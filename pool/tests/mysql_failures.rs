//! How many callers see an error when MariaDB fails.
#![cfg(feature = "mysql")]

#[path = "common/failures.rs"]
mod failures;
#[path = "common/server.rs"]
mod server;

use server::MARIADB;
use sqlx::{AssertSqlSafe, MySql};

async fn kill_all_others(killer: &ConnectionManager<MySql>) -> i64 {
    // Of this pool, a query and what it answers to are on one connection, for it has one.
    let others = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                  WHERE id <> connection_id() AND user = 'root'";
    let victims: Vec<i64> = sqlx::query_scalar(others).fetch_all(killer).await.unwrap();
    for id in &victims {
        sqlx::query(AssertSqlSafe(format!("KILL {id}"))).execute(killer).await.unwrap();
    }
    // The pool opens others in their place, with higher ids.
    let last = victims.iter().max().copied();
    let left = format!("{others} AND id <= {}", last.unwrap_or(0));
    while !sqlx::query(AssertSqlSafe(left.clone())).fetch_all(killer).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    i64::try_from(victims.len()).unwrap()
}

failures::failures!(
    MySql,
    MARIADB,
    "SELECT SLEEP(60)",
    "SELECT count(*) FROM information_schema.processlist WHERE info = 'SELECT SLEEP(60)'",
    kill_all_others
);
