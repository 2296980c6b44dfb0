//! How many callers see an error when PostgreSQL fails.
#![cfg(feature = "postgres")]

#[path = "common/failures.rs"]
mod failures;
#[path = "common/server.rs"]
mod server;

use server::POSTGRES;
use sqlx::Postgres;

async fn kill_all_others(killer: &ConnectionManager<Postgres>) -> i64 {
    let kill = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    sqlx::query_scalar(kill).fetch_one(killer).await.unwrap()
}

failures::failures!(
    Postgres,
    POSTGRES,
    "SELECT pg_sleep(60)",
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'",
    kill_all_others
);
