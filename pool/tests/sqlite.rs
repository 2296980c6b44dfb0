//! The manager over SQLite.
#![cfg(feature = "sqlite")]

#[path = "common/nine.rs"]
mod nine;

use sqlx::{Acquire, Executor, Sqlite};

/// A database file of its own for each name, in cargo's folder for the files of tests.
fn url(name: &str) -> Option<String> {
    Some(format!("sqlite://{}/pool-{name}.db?mode=rwc", env!("CARGO_TARGET_TMPDIR")))
}

nine::nine!(Sqlite, url, "BIGINT");

async fn manager_with_a_table(name: &str) -> ConnectionManager<Sqlite> {
    let config = Config::<Sqlite>::new(&url(name).unwrap()).unwrap().min(1).max(1);
    let manager = ConnectionManager::connect(config).await.unwrap();
    manager.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (n INTEGER)").await.unwrap();
    manager
}

async fn rows(manager: &ConnectionManager<Sqlite>) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(manager).await.unwrap()
}

#[tokio::test]
async fn a_transaction_is_committed_rolled_back_or_dropped() {
    let manager = manager_with_a_table("transaction").await;
    for (ending, expected) in [("commit", 1), ("rollback", 1), ("drop", 1)] {
        let mut transaction = manager.begin().await.unwrap();
        transaction.execute("INSERT INTO t VALUES (1)").await.unwrap();
        match ending {
            "commit" => transaction.commit().await.unwrap(),
            "rollback" => transaction.rollback().await.unwrap(),
            _ => drop(transaction),
        }
        assert_eq!(rows(&manager).await, expected, "{ending}");
    }
    let mut connection = manager.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("INSERT INTO t VALUES (2)").await.unwrap();
    drop(transaction);
    drop(connection);
    assert_eq!(rows(&manager).await, 1, "sqlx's transaction, dropped");
    assert_eq!(manager.stats().closed_total(), 0, "nothing had to be closed for it");
}

#[tokio::test]
async fn a_begin_cut_short_leaves_no_transaction() {
    let manager = manager_with_a_table("begin").await;
    for polls in 0..6 {
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
            // Within a transaction, BEGIN is an error.
            let mut connection = manager.acquire().await.unwrap();
            connection.execute("BEGIN; COMMIT").await.expect("a transaction was open");
        }
    }
}

#[tokio::test]
async fn session_state_does_not_reach_the_next_borrower_if_it_is_reset() {
    for reset in [true, false] {
        let config = Config::<Sqlite>::new(&url("session").unwrap()).unwrap().min(1).max(1);
        let manager = ConnectionManager::connect(config.reset_session(reset)).await.unwrap();
        let mut connection = manager.acquire().await.unwrap();
        connection
            .execute("CREATE TEMP TABLE left_over (n INTEGER); PRAGMA cache_size = 77")
            .await
            .unwrap();
        drop(connection);
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_temp_master")
            .fetch_one(&manager)
            .await
            .unwrap();
        let size: i64 = sqlx::query_scalar("PRAGMA cache_size").fetch_one(&manager).await.unwrap();
        assert_eq!((there == 1, size == 77), (!reset, !reset));
        assert_eq!(manager.stats().closed[&Reason::Spent] > 0, reset);
    }
}

#[tokio::test]
async fn a_manager_is_an_executor_and_can_be_acquired_from() {
    async fn by_trait<'c, A: Acquire<'c, Database = Sqlite>>(from: A) -> i64 {
        let mut connection = from.acquire().await.unwrap();
        sqlx::query_scalar("SELECT 7").fetch_one(&mut *connection).await.unwrap()
    }
    let manager = manager_with_a_table("executor").await;
    assert_eq!(by_trait(&manager).await, 7);
    let mut connection = manager.acquire().await.unwrap();
    assert_eq!(by_trait(&mut connection).await, 7);
    drop(connection);
    sqlx::query("INSERT INTO t VALUES (?), (?)").bind(1).bind(2).execute(&manager).await.unwrap();
    let all: Vec<(i64,)> =
        sqlx::query_as("SELECT n FROM t ORDER BY n").fetch_all(&manager).await.unwrap();
    assert_eq!(all, [(1,), (2,)]);
    assert!(sqlx::query("SELECT nonsense").fetch_one(&manager).await.is_err());
    assert_eq!((manager.stats().in_use, manager.stats().closed_total()), (0, 0));
}

#[tokio::test]
async fn a_failed_build_is_an_error_and_may_be_retried() {
    let missing = Config::<Sqlite>::new("sqlite:///no/such/folder/x.db").unwrap().min(1);
    let error = ConnectionManager::get_or_init_named("retried", missing).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot connect: "), "{error}");
    let good = Config::<Sqlite>::new(&url("retried").unwrap()).unwrap().min(1);
    ConnectionManager::get_or_init_named("retried", good).await.unwrap();
}

#[test]
fn wrong_values_name_their_field() {
    let from = |pairs: &'static [(&'static str, &'static str)]| {
        let look_up = move |name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == name)?;
            Some(String::from(found.1))
        };
        Config::<Sqlite>::from_vars(look_up).map(|config| config.settings().clone())
    };
    const URL: (&str, &str) = ("DATABASE_URL", "sqlite::memory:");
    for (pairs, expected) in [
        (&[][..], "DATABASE_URL: is not set"),
        (
            &[("DATABASE_URL", "oracle://x")],
            "DATABASE_URL: the scheme 'oracle' is none of SQLite's: sqlite",
        ),
        (&[URL, ("POOL_MAX", "0")], "max: must be at least 1"),
        (&[URL, ("POOL_MIN", "9"), ("POOL_MAX", "3")], "min: 9 is more than max, which is 3"),
        (&[URL, ("POOL_MIN", "few")], "POOL_MIN: 'few' is not a whole number"),
        (&[URL, ("POOL_IDLE_TIMEOUT", "-1")], "POOL_IDLE_TIMEOUT: '-1' is not a whole number"),
        (&[URL, ("POOL_ACQUIRE_TIMEOUT", "0")], "acquire_timeout: must be more than zero"),
        (
            &[URL, ("POOL_RESET_SESSION", "maybe")],
            "POOL_RESET_SESSION: 'maybe' is neither true nor false",
        ),
        (
            &[URL, ("POOL_RESET_SESSION", "true")],
            "reset_session: needs connections that may be closed, and a database in memory would go with them",
        ),
    ] {
        assert_eq!(from(pairs).unwrap_err().to_string(), expected);
    }
    let settings =
        from(&[URL, ("POOL_MAX", "7"), ("POOL_MIN", "3"), ("POOL_MAX_LIFETIME", "off")]).unwrap();
    assert_eq!((settings.min, settings.max, settings.max_lifetime), (3, 7, None));

    let json =
        r#"{"url": "sqlite::memory:", "settings": {"min": 1, "max": 2, "acquire_timeout": 1500}}"#;
    let config: Config<Sqlite> = serde_json::from_str(json).unwrap();
    assert_eq!(config.settings().acquire_timeout, Duration::from_millis(1500));
    let json = r#"{"url": "sqlite::memory:", "settings": {"min": 3, "max": 2}}"#;
    let error = serde_json::from_str::<Config<Sqlite>>(json).unwrap_err().to_string();
    assert!(error.contains("min: 3 is more than max"), "{error}");
}

#[cfg(feature = "any")]
#[tokio::test]
async fn any_database_is_chosen_by_its_url() {
    let config = Config::<sqlx::Any>::new(&url("any").unwrap()).unwrap().min(1).max(2);
    let manager = ConnectionManager::connect(config).await.unwrap();
    let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&manager).await.unwrap();
    assert_eq!(one, 1);
    let error = Config::<sqlx::Any>::new("oracle://x").unwrap_err();
    assert_eq!(error.to_string(), "url: the scheme 'oracle' is unknown");
}

#[test]
fn ageing_and_an_adaptive_maximum_are_read_from_variables() {
    let read = |vars: &'static [(&str, &str)]| {
        let look_up = |name: &str| {
            let found = vars.iter().find(|(var, _)| *var == name).map(|(_, value)| *value);
            found.or((name == "DATABASE_URL").then_some("sqlite::memory:")).map(String::from)
        };
        Config::<Sqlite>::from_vars(look_up).map(|config| config.settings().clone())
    };
    let usual = read(&[]).unwrap();
    assert_eq!((usual.ageing, usual.adaptive), (Some(pool::Ageing::default()), None));
    assert_eq!(read(&[("POOL_AGEING", "off")]).unwrap().ageing, None);
    let low = read(&[("POOL_AGEING_LOW", "2500")]).unwrap().ageing.unwrap().low;
    assert_eq!(low, Duration::from_millis(2_500));
    let vars = &[("POOL_ADAPTIVE_MAX_MAX", "64"), ("POOL_ADAPTIVE_EVERY", "500")];
    let adaptive = read(vars).unwrap().adaptive.unwrap();
    assert_eq!((adaptive.max_max, adaptive.every), (64, Duration::from_millis(500)));
    for (vars, problem) in [
        (&[("POOL_AGEING", "on")], "POOL_AGEING: 'on' is not off"),
        (&[("POOL_ADAPTIVE_EVERY", "0")], "adaptive.every: must be more than zero"),
        (&[("POOL_ADAPTIVE_MIN_MAX", "few")], "POOL_ADAPTIVE_MIN_MAX: 'few' is not a whole number"),
    ] {
        assert_eq!(read(vars).unwrap_err().to_string(), problem);
    }
}

#[tokio::test]
async fn queries_and_transactions_run_in_the_name_of_a_tenant() {
    let config = Config::<Sqlite>::new("sqlite::memory:").unwrap().min(1).max(1);
    let manager = ConnectionManager::connect(config).await.unwrap();
    let acme = manager.tenant("acme");
    sqlx::query("CREATE TABLE t (n INTEGER)").execute(&acme).await.unwrap();
    let mut transaction = acme.begin().await.unwrap();
    assert_eq!(
        manager.stats().connections[0].holder.as_ref().unwrap().tenant.as_deref(),
        Some("acme")
    );
    sqlx::query("INSERT INTO t VALUES (1)").execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    let rows: Vec<i64> = sqlx::query_scalar("SELECT n FROM t").fetch_all(&acme).await.unwrap();
    let stats = acme.stats().unwrap();
    assert_eq!((rows, stats.served, stats.in_use), (vec![1], 3, 0));
}
