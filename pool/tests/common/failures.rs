//! How many callers see an error when a database fails: each test counts them.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One that passes on what it reads, as long as it is not told to freeze.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut is_frozen: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if is_frozen.wait_for(|is_frozen| !is_frozen).await.is_err()
            || to.write_all(&buffer[..read]).await.is_err()
        {
            return;
        }
    }
}

/// A way to the server that can be frozen. It goes on accepting then, and nothing is answered.
pub(crate) async fn freezable(server: &str) -> (String, watch::Sender<bool>) {
    let address = server.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = server.replace(&address, &listener.local_addr().unwrap().to_string());
    let (freeze, is_frozen) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(&address).await.unwrap();
            let ((asks, hears), (answers, listens)) = (client.into_split(), server.into_split());
            tokio::spawn(pass_on(asks, listens, is_frozen.clone()));
            tokio::spawn(pass_on(answers, hears, is_frozen.clone()));
        }
    });
    (url, freeze)
}

/// Writes the tests for a database type, each over a private server of this kind. `$sleep` runs for a minute
/// and says 60; `$sleeping` counts the connections that run it. `$kill` kills all but the one that it is
/// given, and answers how many when they are gone.
macro_rules! failures {
    ($DB:ty, $KIND:path, $sleep:literal, $sleeping:literal, $kill:path) => {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        use std::time::{Duration, Instant};

        use pool::{Config, ConnectionManager, Error, Reason, Why};
        use server::{Server, skipped};

        type Manager = ConnectionManager<$DB>;

        fn private_server() -> Option<Server> {
            Server::start(&$KIND)
                .map_err(|why| skipped(&format!("the failures of a private server: {why}")))
                .ok()
        }

        const CHECK_AFTER: Duration = Duration::from_millis(100);

        async fn connect(url: &str, min: usize, max: usize) -> Manager {
            connect_with_check(url, min, max, CHECK_AFTER).await
        }

        async fn connect_with_check(
            url: &str,
            min: usize,
            max: usize,
            check_after: Duration,
        ) -> Manager {
            let config = Config::<$DB>::new(url).unwrap().min(min).max(max).set(|settings| {
                settings.maintenance_every = None;
                settings.check_after = check_after;
            });
            ConnectionManager::connect(config).await.unwrap()
        }

        /// How many of so many callers at once see an error.
        async fn errors_of(manager: &Manager, callers: usize) -> usize {
            errors_running(manager, callers, "SELECT 1").await
        }

        async fn errors_running(manager: &Manager, callers: usize, sql: &str) -> usize {
            let call = |manager: Manager, sql: String| async move {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&manager).await
            };
            let calls: Vec<_> =
                (0..callers).map(|_| tokio::spawn(call(manager.clone(), sql.into()))).collect();
            let mut errors = 0;
            for call in calls {
                errors += usize::from(call.await.unwrap().is_err());
            }
            errors
        }

        /// So long that idle connections are checked, unless they are only after longer than `CHECK_AFTER`.
        async fn be_idle() {
            tokio::time::sleep(CHECK_AFTER + Duration::from_millis(20)).await;
        }

        /// As `errors_of`, of callers that hold their connections for a while: as many as there are get all of them.
        async fn errors_of_all(manager: &Manager, connections: usize) -> usize {
            errors_running(manager, connections, &$sleep.replace("60", "0.3")).await
        }

        /// Kills all twenty connections, of which ten are running a query, and then lets sixty call. How many
        /// of the ten and of the sixty see an error.
        async fn errors_when_all_are_killed(url: &str, check_after: Duration) -> (usize, usize) {
            let manager = connect_with_check(url, 20, 20, check_after).await;
            let killer = connect(url, 1, 1).await;
            let running: Vec<_> = (0..10)
                .map(|_| {
                    let manager = manager.clone();
                    tokio::spawn(async move { sqlx::query($sleep).execute(&manager).await })
                })
                .collect();
            while sqlx::query_scalar::<_, i64>($sleeping).fetch_one(&killer).await.unwrap() < 10 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!($kill(&killer).await, 20);
            let mut running_errors = 0;
            for query in running {
                running_errors += usize::from(query.await.unwrap().is_err());
            }
            be_idle().await;
            let later_errors = errors_of_all(&manager, 20).await + errors_of(&manager, 40).await;
            let stats = manager.stats();
            let unclean = usize::try_from(stats.closed[&Reason::Unclean]).unwrap();
            assert_eq!(unclean, running_errors + later_errors, "who sees an error has it closed");
            assert!(stats.open <= 20);
            (running_errors, later_errors)
        }

        #[tokio::test]
        async fn when_every_backend_is_killed_only_those_whose_query_runs_see_it() {
            let Some(server) = private_server() else { return };
            let errors = errors_when_all_are_killed(&server.url(), CHECK_AFTER).await;
            assert_eq!(errors, (10, 0), "of those whose query was running, and of those after them");
        }

        /// The same without the check. It shows that the test above sees a check that is missing.
        #[tokio::test]
        async fn without_the_check_each_connection_that_was_killed_while_idle_shows_it_to_one_caller() {
            let Some(server) = private_server() else { return };
            let never = Duration::from_secs(3600);
            assert_eq!(errors_when_all_are_killed(&server.url(), never).await, (10, 10));
        }

        #[tokio::test]
        async fn when_the_server_restarts_callers_see_it_while_it_is_down_and_not_before_or_after()
        {
            let Some(mut server) = private_server() else { return };
            let manager = connect(&server.url(), 5, 10).await;
            assert_eq!(errors_of(&manager, 50).await, 0, "before");
            server.tell("stop");
            be_idle().await;
            let begun = Instant::now();
            assert_eq!(errors_of(&manager, 50).await, 50, "while it is down");
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "they wait in vain: {:?}",
                begun.elapsed()
            );
            server.tell("start");
            assert_eq!(errors_of(&manager, 50).await, 0, "after");
        }

        #[tokio::test]
        async fn when_the_server_accepts_and_never_answers_every_call_ends_by_its_deadline() {
            let Some(server) = private_server() else { return };
            let (url, freeze) = failures::freezable(&server.url()).await;
            let manager = connect(&url, 5, 10).await;
            freeze.send(true).unwrap();
            be_idle().await;
            let limit = Duration::from_millis(200);
            let late = Arc::new(AtomicUsize::new(0));
            let calls: Vec<_> = (0..30)
                .map(|_| {
                    let (manager, late) = (manager.clone(), Arc::clone(&late));
                    tokio::spawn(async move {
                        match manager.acquire_timeout(limit).await {
                            Err(Error::Timeout {
                                waited,
                                why: Why::Checking { .. } | Why::Connecting { .. },
                            }) => {
                                // What is beyond is the scheduler's; a step that has no deadline takes for ever.
                                late.fetch_add(usize::from(waited > 20 * limit), SeqCst);
                            }
                            other => panic!("{:?}", other.map(|guard| guard.id())),
                        }
                    })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
            assert_eq!((late.load(SeqCst), manager.stats().timeouts), (0, 30));
            freeze.send(false).unwrap();
            assert_eq!(errors_of(&manager, 50).await, 0, "once it answers again");
        }
    };
}

pub(crate) use failures;
