//! The original's nine tests, for whatever database a test binary names.

/// Writes the nine tests for a database type. `$url` is a function that answers a URL, or `None` after it has
/// said why there is none; `$integer` is what a cast to 64 bits is called there.
macro_rules! nine {
    ($DB:ty, $url:path, $integer:literal) => {
        use std::time::Duration;

        use pool::{Config, ConnectionManager, Error, Reason};

        /// The configuration, without a maintenance task; or the test is over.
        macro_rules! config {
            ($name:literal, $min:literal, $max:literal) => {
                match $url($name) {
                    Some(url) => Config::<$DB>::new(&url)
                        .unwrap()
                        .name($name)
                        .min($min)
                        .max($max)
                        .set(|settings| settings.maintenance_every = None),
                    None => return,
                }
            };
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn singleton_under_a_hundred_racing_callers() {
            let config = config!("singleton", 3, 3);
            let racers: Vec<_> = (0..100)
                .map(|_| {
                    tokio::spawn(ConnectionManager::get_or_init_named("singleton", config.clone()))
                })
                .collect();
            let mut managers = Vec::new();
            for racer in racers {
                managers.push(racer.await.unwrap().unwrap());
            }
            let held = managers[0].acquire().await.unwrap();
            for manager in &managers {
                assert_eq!(
                    (manager.stats().created, manager.stats().in_use),
                    (3, 1),
                    "not the same one"
                );
            }
            drop(held);
            let manager = ConnectionManager::<$DB>::get_named("singleton").unwrap();
            manager.close(Duration::from_secs(5)).await.unwrap();
            assert!(matches!(manager.acquire().await, Err(Error::Closed)));
            assert!(ConnectionManager::<$DB>::get_named("singleton").is_none());
            let again = ConnectionManager::get_or_init_named("singleton", config).await.unwrap();
            drop(again.acquire().await.unwrap());
            again.close(Duration::from_secs(5)).await.unwrap();
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn fifty_requests_over_twenty_connections() {
            let manager = ConnectionManager::connect(config!("fifty", 10, 20)).await.unwrap();
            let requests: Vec<_> = (0..50_i64)
                .map(|n| {
                    let manager = manager.clone();
                    tokio::spawn(async move {
                        let mut connection = manager.acquire().await.unwrap();
                        let sql = format!("SELECT CAST({n} AS {})", $integer);
                        let sql = sqlx::AssertSqlSafe(sql);
                        let row: i64 =
                            sqlx::query_scalar(sql).fetch_one(&mut *connection).await.unwrap();
                        // Held until all places are taken, so that the rest has to wait.
                        while manager.stats().created < 20 {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        assert_eq!(row, n);
                    })
                })
                .collect();
            for request in requests {
                request.await.unwrap();
            }
            let stats = manager.stats();
            assert_eq!((stats.created, stats.closed_total(), stats.used.count), (20, 0, 50));
            manager.close(Duration::from_secs(5)).await.unwrap();
        }

        #[tokio::test]
        async fn validity_is_checked_after_idleness_and_by_a_check_of_ones_own() {
            let config =
                config!("validity", 1, 1).set(|settings| settings.check_after = Duration::ZERO);
            let manager = ConnectionManager::connect(config.clone()).await.unwrap();
            let first = manager.acquire().await.unwrap().id();
            assert_eq!(manager.acquire().await.unwrap().id(), first, "it was valid");
            manager.close(Duration::from_secs(5)).await.unwrap();

            let never = config.check(|_| Box::pin(async { Err(sqlx::Error::WorkerCrashed) }));
            let manager = ConnectionManager::connect(never).await.unwrap();
            // Found invalid, and replaced by one that is new and needs no check.
            assert_eq!(manager.acquire().await.unwrap().id().index(), 2);
            assert_eq!(manager.stats().closed[&Reason::Unhealthy], 1);
        }

        #[tokio::test]
        async fn expiry_by_lifetime_and_at_once() {
            let config = config!("expiry", 2, 4);
            let config =
                config.set(|settings| settings.max_lifetime = Some(Duration::from_millis(1)));
            let manager = ConnectionManager::connect(config).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            manager.maintain().await;
            assert!(manager.stats().closed[&Reason::Expired] >= 2);
            assert_eq!(manager.stats().open, 2);

            let manager = ConnectionManager::connect(config!("expire-now", 2, 4)).await.unwrap();
            let mut held = manager.acquire().await.unwrap();
            manager.expire_now().await;
            let one: i64 = sqlx::query_scalar(concat!("SELECT CAST(1 AS ", $integer, ")"))
                .fetch_one(&mut *held)
                .await
                .unwrap();
            let (id, _) = (held.id(), assert_eq!(one, 1));
            held.release().await.unwrap();
            assert_ne!(manager.acquire().await.unwrap().id(), id);
        }

        #[tokio::test]
        async fn renew_fills_to_the_maximum() {
            let manager = ConnectionManager::connect(config!("renew", 2, 5)).await.unwrap();
            assert_eq!(manager.renew().await.unwrap(), 3);
            assert_eq!((manager.stats().open, manager.stats().idle), (5, 5));
        }

        #[tokio::test]
        async fn reset_interrupts_nobody_and_is_back_at_the_minimum() {
            let manager = ConnectionManager::connect(config!("reset", 2, 4)).await.unwrap();
            manager.renew().await.unwrap();
            let mut held = manager.acquire().await.unwrap();
            manager.reset().await.unwrap();
            let one: i64 = sqlx::query_scalar(concat!("SELECT CAST(1 AS ", $integer, ")"))
                .fetch_one(&mut *held)
                .await
                .unwrap();
            assert_eq!((one, manager.stats().in_use), (1, 1));
            drop(held);
            while manager.stats().closed[&Reason::Reset] < 4 || manager.stats().idle < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(manager.stats().open, 2);
        }

        #[tokio::test]
        async fn stats_tell_what_happened() {
            let manager = ConnectionManager::connect(config!("stats", 1, 2)).await.unwrap();
            let held = manager.acquire().await.unwrap();
            let stats = manager.stats();
            assert_eq!((stats.open, stats.in_use, stats.idle, stats.created), (1, 1, 0, 1));
            let row = &stats.connections[0];
            assert_eq!((row.id, row.state.as_str()), (Some(held.id()), "in use"));
            assert!(row.holder.as_ref().unwrap().by.starts_with(file!()));
            drop(held);
            let stats = manager.stats();
            assert_eq!((stats.in_use, stats.idle, stats.used.count), (0, 1, 1));
            assert!(stats.create.max_ns > 0 && stats.used.max_ns > 0 && stats.uptime_ns > 0);
        }

        #[tokio::test]
        async fn release_by_drop_and_by_name() {
            let manager = ConnectionManager::connect(config!("release", 1, 1)).await.unwrap();
            let first = manager.acquire().await.unwrap();
            assert!(matches!(manager.try_acquire(), Err(Error::NoneIdle { .. })));
            let id = first.id();
            drop(first);
            let second = manager.acquire().await.unwrap();
            assert_eq!(second.id(), id);
            second.release().await.unwrap();
            assert_eq!(manager.try_acquire().unwrap().id(), id);
        }

        #[tokio::test]
        async fn close_waits_for_the_borrowed_and_closes_everything() {
            let manager = ConnectionManager::connect(config!("close", 2, 2)).await.unwrap();
            let held = manager.acquire().await.unwrap();
            let late = manager.close(Duration::from_millis(10)).await;
            assert!(matches!(late, Err(Error::StillBorrowed { .. })));
            assert!(matches!(manager.acquire().await, Err(Error::Closed)));
            drop(held);
            manager.close(Duration::from_secs(5)).await.unwrap();
            assert_eq!((manager.stats().open, manager.stats().closed[&Reason::Shutdown]), (0, 2));
        }

        /// Begins a transaction, in one of the three ways there are, and gives up after so many polls.
        async fn cut_a_begin_short(manager: &ConnectionManager<$DB>, way: usize, polls: usize) {
            if way == 0 {
                drop(cut_short(polls, manager.begin()).await);
                return;
            }
            let mut connection = manager.acquire().await.unwrap();
            match way {
                1 => drop(cut_short(polls, connection.begin()).await),
                // On the connection inside it shows by an answer that is still to come.
                _ => {
                    let begin = sqlx::Connection::begin(&mut *connection);
                    drop(cut_short_at_once(polls, begin).await);
                }
            }
        }

        /// Polls a future this often, gives it time after each, and drops it then.
        async fn cut_short<F: Future>(polls: usize, future: F) -> Option<F::Output> {
            let mut future = std::pin::pin!(future);
            let cut = poll_often(polls, future.as_mut()).await;
            if polls > 0 && cut.is_none() {
                pause(polls).await;
            }
            cut
        }

        /// As `cut_short`, without time after the last poll, in which an answer could come.
        async fn cut_short_at_once<F: Future>(polls: usize, future: F) -> Option<F::Output> {
            poll_often(polls, std::pin::pin!(future)).await
        }

        async fn poll_often<F: Future>(
            polls: usize,
            mut future: std::pin::Pin<&mut F>,
        ) -> Option<F::Output> {
            for poll in 0..polls {
                if poll > 0 {
                    pause(polls).await;
                }
                let polled = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(future.as_mut().poll(context))
                });
                if let std::task::Poll::Ready(output) = polled.await {
                    return Some(output);
                }
            }
            None
        }

        /// After this the answer may be there, or not yet.
        async fn pause(polls: usize) {
            match polls % 2 {
                0 => tokio::time::sleep(Duration::from_millis(2)).await,
                _ => tokio::task::yield_now().await,
            }
        }
    };
}

pub(crate) use nine;
