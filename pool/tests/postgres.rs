//! The manager over PostgreSQL: a private server, or the one that `TEST_DATABASE_URL` names.
#![cfg(feature = "postgres")]

#[path = "common/nine.rs"]
mod nine;
#[path = "common/server.rs"]
mod server;

use std::sync::LazyLock;

use server::{POSTGRES, Server, Shared, skipped};
use sqlx::{Executor, Postgres};

/// All tests of this binary share a server, which ends with the process.
static SHARED: LazyLock<Option<Shared>> =
    LazyLock::new(|| Shared::start(&POSTGRES, "TEST_DATABASE_URL"));

fn url(_: &str) -> Option<String> {
    SHARED.as_ref().map(Shared::url)
}

nine::nine!(Postgres, url, "BIGINT");

/// Whether the connection is inside a transaction: then `now()` is when that began, and not when this
/// statement did. As one message; in the extended protocol the two always differ.
async fn is_in_transaction(connection: &mut sqlx::PgConnection) -> bool {
    let row = connection.fetch_one("SELECT now() <> statement_timestamp()").await.unwrap();
    sqlx::Row::get(&row, 0)
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
    manager.execute("CREATE TABLE IF NOT EXISTS dropped (n int)").await.unwrap();
    let mut transaction = manager.begin().await.unwrap();
    transaction.execute("INSERT INTO dropped VALUES (1)").await.unwrap();
    drop(transaction);
    for polls in 0..6 {
        let rows = "SELECT n FROM generate_series(1, 10000) AS n";
        drop(cut_short(polls, manager.fetch_all(rows)).await);
        let mut connection = manager.acquire().await.unwrap();
        drop(cut_short(polls, connection.fetch_all(rows)).await);
        drop(connection);
        let mut connection = manager.acquire().await.unwrap();
        assert!(!is_in_transaction(&mut connection).await);
    }
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM dropped").fetch_one(&manager).await.unwrap();
    assert_eq!((count, manager.stats().closed_total()), (0, 0));
}

#[tokio::test]
async fn session_state_does_not_reach_the_next_borrower_if_it_is_reset() {
    for reset in [true, false] {
        let config = config!("session", 1, 1).reset_session(reset);
        let manager = ConnectionManager::connect(config).await.unwrap();
        let mut connection = manager.acquire().await.unwrap();
        let id = connection.id();
        connection
            .execute("SET search_path = elsewhere; CREATE TEMP TABLE left_over (n int)")
            .await
            .unwrap();
        // A prepared statement, of which the driver keeps a list, still works after the reset.
        let _: i32 =
            sqlx::query_scalar("SELECT $1").bind(1).fetch_one(&mut *connection).await.unwrap();
        drop(connection);
        let mut connection = manager.acquire().await.unwrap();
        let path: String =
            sqlx::query_scalar("SHOW search_path").fetch_one(&mut *connection).await.unwrap();
        let there: bool = sqlx::query_scalar("SELECT to_regclass('pg_temp.left_over') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        let _: i32 =
            sqlx::query_scalar("SELECT $1").bind(1).fetch_one(&mut *connection).await.unwrap();
        assert_eq!((path == "elsewhere", there, connection.id() == id), (!reset, !reset, true));
    }
}

#[tokio::test]
async fn nobody_sees_an_error_when_all_idle_backends_were_killed() {
    let config =
        config!("killed", 20, 20).set(|settings| settings.check_after = Duration::from_millis(20));
    let manager = ConnectionManager::connect(config.clone()).await.unwrap();
    let killer = ConnectionManager::connect(config.min(1).max(1)).await.unwrap();
    let mut pids = Vec::new();
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut connection = manager.acquire().await.unwrap();
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        pids.push(pid);
        held.push(connection);
    }
    drop(held);
    let sql = "SELECT count(pg_terminate_backend(pid, 5000)) FROM unnest($1) AS pid";
    let killed: i64 = sqlx::query_scalar(sql).bind(&pids).fetch_one(&killer).await.unwrap();
    assert_eq!(killed, 20);
    tokio::time::sleep(Duration::from_millis(30)).await;
    let calls: Vec<_> = (0..60)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move { sqlx::query("SELECT 1").execute(&manager).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().expect("a caller has seen a killed connection");
    }
    assert!(manager.stats().closed[&Reason::Unhealthy] > 0);
}

#[tokio::test]
async fn a_server_that_stops_is_reported_fast_and_one_that_starts_is_used_again() {
    let mut server = match Server::start(&POSTGRES) {
        Ok(server) => server,
        Err(why) => return skipped(&format!("stopping and starting PostgreSQL: {why}")),
    };
    let config = Config::<Postgres>::new(&server.url()).unwrap().min(2).max(4);
    let manager = ConnectionManager::connect(config).await.unwrap();
    server.tell("stop");
    tokio::time::sleep(Duration::from_millis(150)).await;
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        let error = manager.acquire().await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error}");
    }
    assert!(begun.elapsed() < manager.settings().acquire_timeout, "{:?}", begun.elapsed());
    server.tell("start");
    // The server lets clients in before it says that it has started.
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&manager).await.unwrap();
    assert_eq!(one, 1);
}

#[tokio::test]
async fn the_circuit_opens_when_the_server_stops_and_closes_by_itself_when_it_is_back() {
    let mut server = match Server::start(&POSTGRES) {
        Ok(server) => server,
        Err(why) => return skipped(&format!("the circuit breaker on PostgreSQL: {why}")),
    };
    let breaker = pool::Breaker {
        failures_in_a_row: Some(3),
        open_min: Duration::from_millis(100),
        open_max: Duration::from_millis(200),
        ..Default::default()
    };
    let config = Config::<Postgres>::new(&server.url()).unwrap().min(1).max(4);
    let config = config.set(|settings| settings.breaker = Some(breaker));
    let manager = ConnectionManager::connect(config).await.unwrap();
    let state = || manager.stats().breaker.unwrap().state;
    let held = manager.acquire().await.unwrap();
    server.tell("stop");
    // One is borrowed, and may come back as far as the pool knows: even so they do not wait for it.
    let mut errors = Vec::new();
    while state() == pool::CircuitState::Closed {
        errors.push(manager.acquire().await.unwrap_err());
    }
    let error = manager.acquire().await.unwrap_err();
    let Error::CircuitOpen { cause, retry_after } = &error else { panic!("{error} {errors:?}") };
    assert!(cause.to_string().contains("refused"), "{cause}");
    assert!(*retry_after <= Duration::from_millis(200), "{retry_after:?}");
    let through_sqlx = sqlx::query("SELECT 1").execute(&manager).await.unwrap_err();
    assert!(through_sqlx.to_string().contains("the circuit is open"), "{through_sqlx}");
    assert!(manager.stats().breaker.unwrap().refused >= 2);
    drop(held);

    server.tell("start");
    // Nobody asks: the probe finds it.
    while state() != pool::CircuitState::Closed {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&manager).await.unwrap();
    assert_eq!((one, manager.stats().breaker.unwrap().opened), (1, 1));
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_costs_no_more_than_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = tokio::spawn(async move {
        let mut accepted = Vec::new();
        loop {
            accepted.push(listener.accept().await.unwrap());
        }
    });
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let config = Config::<Postgres>::new(&url).unwrap().min(0).max(2);
    let manager = ConnectionManager::connect(config).await.unwrap();
    let error = manager.acquire_timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.to_string().contains("1 being opened, without an error so far"), "{error}");
    accepted.abort();
}
