//! Hooks, checks, warm-up and faults on PostgreSQL: a private server, or the one that `TEST_DATABASE_URL` names.
#![cfg(feature = "postgres")]

#[path = "common/on_servers.rs"]
mod on_servers;
#[path = "common/server.rs"]
mod server;

use server::POSTGRES;
use sqlx::Postgres;
use sqlx::postgres::PgConnectOptions;

on_servers::on_servers!(
    Postgres, POSTGRES, "TEST_DATABASE_URL",
    note: "SET application_name = '{}'", noted: "SHOW application_name",
    table: "CREATE TEMP TABLE well (n int)", rows: "SELECT count(*) FROM pg_temp.well",
    no_table: "DROP TABLE pg_temp.well",
    mark: "SET application_name = 'warming'",
    marked: "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'warming'",
    faulty: "faulty", "CREATE TABLE IF NOT EXISTS faulty (n int); TRUNCATE faulty"
);

#[tokio::test]
async fn each_connection_has_its_own_credentials_and_settings() {
    let Some(config) = config(0, 2) else { return };
    let options: PgConnectOptions = SHARED.as_ref().unwrap().url().parse().unwrap();
    let connects = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connects);
    let config = config
        .before_connect(move || {
            let number = counter.fetch_add(1, SeqCst) + 1;
            let options = options.clone().application_name(&format!("token-{number}"));
            Box::pin(async move { Ok(options) })
        })
        .on_connect_sql(["SET statement_timeout = '7s'", "SET search_path = first"])
        .after_connect(|connection| {
            Box::pin(async move { connection.execute("SET search_path = second").await.map(drop) })
        });
    let manager = ConnectionManager::connect(config).await.unwrap();
    for token in ["token-1", "token-2"] {
        assert_eq!(one(&manager, "SHOW application_name").await, token);
        assert_eq!(one(&manager, "SHOW statement_timeout").await, "7s");
        assert_eq!(one(&manager, "SHOW search_path").await, "second", "in the order in which set");
        manager.expire_now().await;
    }
    assert_eq!(connects.load(SeqCst), 2);
}
