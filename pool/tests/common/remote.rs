//! What holds over every database that is a server: the tests of `nine.rs`, and what becomes of calls that are
//! cut short and of a server that stops.

/// Writes the tests for a database type, over the server that a variable names or a private one of this kind.
/// `$integer` is what a cast to 64 bits is called there; `$create` makes the empty table `$table` if it is not
/// there; `$rows` answers many rows. The caller has a function `is_in_transaction`.
macro_rules! remote {
    ($DB:ty, $KIND:path, $variable:literal, $integer:literal, $create:expr, $table:literal, $rows:literal) => {
        use std::sync::LazyLock;

        use server::{Server, Shared, skipped};
        use sqlx::Executor;

        /// All tests of this binary share a server, which ends with the process.
        static SHARED: LazyLock<Option<Shared>> =
            LazyLock::new(|| Shared::start(&$KIND, $variable));

        fn url(_: &str) -> Option<String> {
            SHARED.as_ref().map(Shared::url)
        }

        nine::nine!($DB, url, $integer);

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
                    cut_a_begin_short(&manager, way, polls).await;
                    let mut connection = manager.acquire().await.unwrap();
                    assert!(!is_in_transaction(&mut connection).await, "way {way}, {polls} polls");
                }
            }
            assert_eq!(manager.stats().closed_total(), 0, "rolled back, not closed");
        }

        #[tokio::test]
        async fn a_dropped_transaction_and_a_query_cut_short_leave_nothing_behind() {
            let manager = ConnectionManager::connect(config!("dropped", 1, 1)).await.unwrap();
            for statement in $create {
                manager.execute(statement).await.unwrap();
            }
            let mut transaction = manager.begin().await.unwrap();
            transaction.execute(concat!("INSERT INTO ", $table, " VALUES (1)")).await.unwrap();
            drop(transaction);
            for polls in 0..6 {
                drop(cut_short(polls, manager.fetch_all($rows)).await);
                let mut connection = manager.acquire().await.unwrap();
                drop(cut_short(polls, connection.fetch_all($rows)).await);
                drop(connection);
                let mut connection = manager.acquire().await.unwrap();
                assert!(!is_in_transaction(&mut connection).await);
            }
            let count: i64 = sqlx::query_scalar(concat!("SELECT count(*) FROM ", $table))
                .fetch_one(&manager)
                .await
                .unwrap();
            assert_eq!((count, manager.stats().closed_total()), (0, 0), "finished, not closed");
        }

        #[tokio::test]
        async fn a_server_that_stops_is_reported_fast_and_one_that_starts_is_used_again() {
            let mut server = match Server::start(&$KIND) {
                Ok(server) => server,
                Err(why) => return skipped(&format!("stopping and starting a server: {why}")),
            };
            let config = Config::<$DB>::new(&server.url()).unwrap().min(2).max(4);
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
            let one: i64 = sqlx::query_scalar(concat!("SELECT CAST(1 AS ", $integer, ")"))
                .fetch_one(&manager)
                .await
                .unwrap();
            assert_eq!(one, 1);
        }
    };
}

pub(crate) use remote;
