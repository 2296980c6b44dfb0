//! Hooks, checks, warm-up and faults on PostgreSQL: a private server, or the one that `TEST_DATABASE_URL` names.
#![cfg(feature = "postgres")]

#[path = "common/server.rs"]
mod server;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use pool::{Config, ConnectionManager, Reason};
use server::{POSTGRES, Shared};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor, Postgres};

static SHARED: LazyLock<Option<Shared>> =
    LazyLock::new(|| Shared::start(&POSTGRES, "TEST_DATABASE_URL"));

/// A configuration without a maintenance task, or none after it was said why.
fn config(min: usize, max: usize) -> Option<Config<Postgres>> {
    let url = SHARED.as_ref().map(Shared::url)?;
    let config = Config::<Postgres>::new(&url).unwrap().min(min).max(max);
    Some(config.set(|settings| settings.maintenance_every = None))
}

async fn one(manager: &ConnectionManager<Postgres>, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(manager).await.unwrap()
}

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

#[tokio::test]
async fn a_hook_of_connecting_that_fails_or_hangs_is_named() {
    let Some(config) = config(0, 1) else { return };
    let wrong = config.clone().on_connect_sql(["SELECT nonsense"]);
    let manager = ConnectionManager::connect(wrong).await.unwrap();
    let error = manager.acquire().await.unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");

    let config = config.set(|settings| {
        settings.hooks.before_connect = Duration::from_millis(20);
        settings.hooks.after_connect = Duration::from_millis(30);
    });
    let never = config.clone().before_connect(|| Box::pin(std::future::pending()));
    let manager = ConnectionManager::connect(never).await.unwrap();
    let error = manager.acquire().await.unwrap_err();
    assert!(error.to_string().ends_with("before_connect took longer than 20ms"), "{error}");

    let never = config.after_connect(|_| Box::pin(std::future::pending()));
    let manager = ConnectionManager::connect(never).await.unwrap();
    let error = manager.acquire().await.unwrap_err();
    assert!(error.to_string().ends_with("after_connect took longer than 30ms"), "{error}");
}

#[tokio::test]
async fn hooks_around_a_loan_run_on_the_connection() {
    let Some(config) = config(1, 1) else { return };
    let left = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&left);
    let config = config
        .before_acquire(|connection, about| {
            Box::pin(async move {
                let sql = format!("SET application_name = 'loan-{}'", about.uses + 1);
                connection.execute(sqlx::AssertSqlSafe(sql)).await?;
                Ok(true)
            })
        })
        .after_release(move |connection, _| {
            let notes = Arc::clone(&notes);
            Box::pin(async move {
                let name: String =
                    sqlx::query_scalar("SHOW application_name").fetch_one(&mut *connection).await?;
                notes.lock().unwrap().push(name.clone());
                Ok(name != "worn out")
            })
        });
    let manager = ConnectionManager::connect(config).await.unwrap();
    assert_eq!(one(&manager, "SHOW application_name").await, "loan-1");
    assert_eq!(one(&manager, "SHOW application_name").await, "loan-2");
    let mut connection = manager.acquire().await.unwrap();
    connection.execute("SET application_name = 'worn out'").await.unwrap();
    connection.release().await.unwrap();
    assert_eq!(*left.lock().unwrap(), ["loan-1", "loan-2", "worn out"]);
    assert_eq!(manager.stats().closed[&Reason::Refused], 1);
}

#[tokio::test]
async fn a_statement_checks_before_loans_after_them_and_in_the_background() {
    let Some(config) = config(3, 3) else { return };
    let config = config.check_with_sql("SELECT count(*) FROM pg_temp.well").set(|settings| {
        settings.check_after = Duration::from_secs(60);
        settings.health.on_release = true;
        settings.health.idle_every = Some(Duration::from_millis(1));
    });
    let config = config.on_connect_sql(["CREATE TEMP TABLE well (n int)"]);
    let manager = ConnectionManager::connect(config).await.unwrap();
    let mut connection = manager.acquire().await.unwrap();
    connection.execute("DROP TABLE pg_temp.well").await.unwrap();
    let error = connection.release().await.unwrap_err();
    assert!(error.to_string().contains("well"), "{error}");
    while manager.stats().idle < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    manager.maintain().await;
    let stats = manager.stats();
    assert_eq!((stats.health.on_release, stats.check_errors, stats.idle), (1, 1, 3));
    assert!(stats.health.in_background >= 3, "{:?}", stats.health);
    drop(manager.acquire().await.unwrap());
}

#[tokio::test]
async fn warming_up_opens_backends() {
    let Some(config) = config(1, 6) else { return };
    let options = SHARED.as_ref().unwrap().url().parse::<PgConnectOptions>().unwrap();
    let options = options.application_name("warming");
    let config = config.before_connect(move || {
        let options = options.clone();
        Box::pin(async move { Ok(options) })
    });
    let manager = ConnectionManager::connect(config).await.unwrap();
    assert_eq!(manager.warm_up(5).await.unwrap(), 4);
    let backends: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'warming'",
    )
    .fetch_one(&manager)
    .await
    .unwrap();
    assert_eq!((backends, manager.stats().open), (5, 5));
}

#[cfg(feature = "fault-injection")]
#[tokio::test]
async fn a_query_and_a_commit_that_are_made_to_fail_leave_nothing_behind() {
    use pool::Step;
    use pool::faults::{Fault, Faults};

    let Some(config) = config(1, 1) else { return };
    let faults = Faults::new(1);
    let manager = ConnectionManager::connect(config.faults(faults.clone())).await.unwrap();
    manager.execute("CREATE TABLE IF NOT EXISTS faulty (n int); TRUNCATE faulty").await.unwrap();
    faults.script(Step::Query, 2, Fault::Fail).unwrap();
    let error = manager.execute("INSERT INTO faulty VALUES (1)").await.unwrap_err();
    assert!(error.to_string().ends_with("querying number 2 fails"), "{error}");

    // The third begins the transaction, the fourth commits it.
    faults.script(Step::Query, 4, Fault::Fail).unwrap();
    let mut transaction = manager.begin().await.unwrap();
    transaction.execute("INSERT INTO faulty VALUES (2)").await.unwrap();
    assert!(transaction.commit().await.is_err());
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM faulty").fetch_one(&manager).await.unwrap();
    assert_eq!((rows, manager.stats().closed_total()), (0, 0), "rolled back, not closed");
}
