//! Hooks, checks, warm-up and faults on MySQL or MariaDB: a private MariaDB server, or the one that
//! `TEST_MYSQL_URL` names.
#![cfg(feature = "mysql")]

#[path = "common/on_servers.rs"]
mod on_servers;
#[path = "common/server.rs"]
mod server;

use server::MARIADB;
use sqlx::MySql;
use sqlx::mysql::MySqlConnectOptions;

on_servers::on_servers!(
    MySql, MARIADB, "TEST_MYSQL_URL",
    note: "SET @noted = '{}'", noted: "SELECT @noted",
    table: "CREATE TEMPORARY TABLE mysql.well (n int)", rows: "SELECT count(*) FROM mysql.well",
    no_table: "DROP TEMPORARY TABLE mysql.well",
    mark: "USE information_schema",
    marked: "SELECT count(*) FROM information_schema.processlist WHERE db = 'information_schema'",
    faulty: "pool_test.faulty",
    "CREATE DATABASE IF NOT EXISTS pool_test; DROP TABLE IF EXISTS pool_test.faulty;
     CREATE TABLE pool_test.faulty (n int) ENGINE=InnoDB"
);

/// Passwords that change, and the old one is no more: each connect has to ask for the new one.
#[tokio::test]
async fn each_connection_has_its_own_credentials_and_settings() {
    let Some(config) = config(1, 1) else { return };
    let root = ConnectionManager::connect(config.clone()).await.unwrap();
    for sql in [
        "DROP USER IF EXISTS rotating",
        "CREATE USER rotating IDENTIFIED BY 'token-1'",
        "GRANT SELECT ON mysql.* TO rotating",
    ] {
        root.execute(sql).await.unwrap();
    }
    let options: MySqlConnectOptions = SHARED.as_ref().unwrap().url().parse().unwrap();
    let connects = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connects);
    let config = config
        .min(0)
        .before_connect(move || {
            let number = counter.fetch_add(1, SeqCst) + 1;
            let options = options.clone().username("rotating").password(&format!("token-{number}"));
            Box::pin(async move { Ok(options) })
        })
        .on_connect_sql(["SET @first = 'statement'", "SET @second = @first"])
        .after_connect(|connection| {
            Box::pin(async move { connection.execute("SET @first = 'closure'").await.map(drop) })
        });
    let manager = ConnectionManager::connect(config).await.unwrap();
    for next in ["token-2", "token-3"] {
        assert_eq!(one(&manager, "SELECT CURRENT_USER()").await, "rotating@%");
        let set = one(&manager, "SELECT CONCAT(@first, ' after ', @second)").await;
        assert_eq!(set, "closure after statement", "in the order in which set");
        let sql = format!("ALTER USER rotating IDENTIFIED BY '{next}'");
        root.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        manager.expire_now().await;
    }
    assert_eq!(connects.load(SeqCst), 2);
    // The third comes too late with its password.
    root.execute("ALTER USER rotating IDENTIFIED BY 'token-4'").await.unwrap();
    let error = manager.acquire().await.unwrap_err();
    assert!(error.to_string().contains("Access denied"), "{error}");
    root.execute("DROP USER rotating").await.unwrap();
}
