//! Hooks, checks, warm-up and faults over every database that is a server.

/// Writes the tests for a database type, over the server that a variable names or a private one of this kind.
///
/// `note` and `noted` set and read a text of the session, `table` creates a temporary table, `rows` counts what is
/// in it and `no_table` drops it; `mark` marks a session and `marked` counts those that are marked; `faulty`
/// creates an empty table of `$faulty`.
macro_rules! on_servers {
    (
        $DB:ty, $KIND:path, $variable:literal,
        note: $note:literal, noted: $noted:literal,
        table: $table:literal, rows: $rows:literal, no_table: $no_table:literal,
        mark: $mark:literal, marked: $marked:literal,
        faulty: $faulty:literal, $create:literal
    ) => {
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        use std::sync::{Arc, LazyLock, Mutex};
        use std::time::Duration;

        use pool::{Config, ConnectionManager, Reason};
        use server::{Shared, patient, until};
        use sqlx::Executor;

        static SHARED: LazyLock<Option<Shared>> =
            LazyLock::new(|| Shared::start(&$KIND, $variable));

        /// A configuration, or none after it was said why.
        fn config(min: usize, max: usize) -> Option<Config<$DB>> {
            let url = SHARED.as_ref().map(Shared::url)?;
            let config = Config::<$DB>::new(&url).unwrap().min(min).max(max);
            Some(config.set(patient))
        }

        async fn one(manager: &ConnectionManager<$DB>, sql: &'static str) -> String {
            sqlx::query_scalar(sql).fetch_one(manager).await.unwrap()
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
                        let sql = format!($note, format!("loan-{}", about.uses + 1));
                        connection.execute(sqlx::AssertSqlSafe(sql)).await?;
                        Ok(true)
                    })
                })
                .after_release(move |connection, _| {
                    let notes = Arc::clone(&notes);
                    Box::pin(async move {
                        let name: String =
                            sqlx::query_scalar($noted).fetch_one(&mut *connection).await?;
                        notes.lock().unwrap().push(name.clone());
                        Ok(name != "worn out")
                    })
                });
            let manager = ConnectionManager::connect(config).await.unwrap();
            assert_eq!(one(&manager, $noted).await, "loan-1");
            assert_eq!(one(&manager, $noted).await, "loan-2");
            let mut connection = manager.acquire().await.unwrap();
            connection.execute(sqlx::AssertSqlSafe(format!($note, "worn out"))).await.unwrap();
            connection.release().await.unwrap();
            assert_eq!(*left.lock().unwrap(), ["loan-1", "loan-2", "worn out"]);
            assert_eq!(manager.stats().closed[&Reason::Refused], 1);
        }

        #[tokio::test]
        async fn a_statement_checks_before_loans_after_them_and_in_the_background() {
            let Some(config) = config(3, 3) else { return };
            let config = config.check_with_sql($rows).set(|settings| {
                settings.check_after = Duration::from_secs(3600);
                settings.health.on_release = true;
                settings.health.idle_every = Some(Duration::from_millis(1));
            });
            let manager =
                ConnectionManager::connect(config.on_connect_sql([$table])).await.unwrap();
            let mut connection = manager.acquire().await.unwrap();
            connection.execute($no_table).await.unwrap();
            let error = connection.release().await.unwrap_err();
            assert!(error.to_string().contains("well"), "{error}");
            until(async || manager.stats().idle == 3).await;
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
            let manager = ConnectionManager::connect(config.on_connect_sql([$mark])).await.unwrap();
            assert_eq!(manager.warm_up(5).await.unwrap(), 4);
            let backends: i64 = sqlx::query_scalar($marked).fetch_one(&manager).await.unwrap();
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
            manager.execute($create).await.unwrap();
            faults.script(Step::Query, 2, Fault::Fail).unwrap();
            let insert = concat!("INSERT INTO ", $faulty, " VALUES (1)");
            let error = manager.execute(insert).await.unwrap_err();
            assert!(error.to_string().ends_with("querying number 2 fails"), "{error}");

            // The third begins the transaction, the fourth commits it.
            faults.script(Step::Query, 4, Fault::Fail).unwrap();
            let mut transaction = manager.begin().await.unwrap();
            transaction.execute(insert).await.unwrap();
            assert!(transaction.commit().await.is_err());
            let count = concat!("SELECT count(*) FROM ", $faulty);
            let rows: i64 = sqlx::query_scalar(count).fetch_one(&manager).await.unwrap();
            assert_eq!((rows, manager.stats().closed_total()), (0, 0), "rolled back, not closed");
        }
    };
}

pub(crate) use on_servers;
