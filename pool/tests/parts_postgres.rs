//! Tenants, tags, leaks, rate limits and degradation on real connections of PostgreSQL: what the pool says of them
//! is held against what the server says.
#![cfg(feature = "postgres")]

#[path = "common/server.rs"]
mod server;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use pool::{
    Ask, Breaker, CircuitState, Config, ConnectionManager, Error, Fallback, Leaks, TagStats,
    Tenant, TenantLimits, WaitLess, Why,
};
use server::{POSTGRES, Server, Shared, patient, skipped, until};
use sqlx::{Connection, Executor, PgConnection, Postgres};

type Manager = ConnectionManager<Postgres>;

static SHARED: LazyLock<Option<Shared>> =
    LazyLock::new(|| Shared::start(&POSTGRES, "TEST_DATABASE_URL"));

fn url() -> Option<String> {
    SHARED.as_ref().map(Shared::url)
}

fn config(url: &str, size: usize) -> Config<Postgres> {
    Config::new(url).unwrap().min(size).max(size).set(patient)
}

/// A connection beside all pools.
async fn outside(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

const CONNECTIONS: usize = 4;
const FLOOD: usize = 60;

/// Callers who ask again and again, run the statement, and count that. They end when the pool is closed.
fn flood(
    tenant: &Tenant<pool::Sqlx<Postgres>>,
    callers: usize,
    sql: &'static str,
) -> Arc<AtomicUsize> {
    let served = Arc::new(AtomicUsize::new(0));
    for _ in 0..callers {
        let (tenant, served) = (tenant.clone(), Arc::clone(&served));
        tokio::spawn(async move {
            while let Ok(mut connection) = tenant.acquire().await {
                served.fetch_add(1, SeqCst);
                connection.execute(sql).await.unwrap();
            }
        });
    }
    served
}

/// How many of a flood in the name of `noisy` are served while each call waits that is made in the name of
/// `asks`; and how half of the calls of each of the two waited, in nanoseconds.
async fn turns(url: &str, asks: &'static str) -> (Vec<usize>, [u64; 2]) {
    let manager = Manager::connect(config(url, CONNECTIONS)).await.unwrap();
    manager.set_tenant("quiet", TenantLimits::new().share_percent(25)).unwrap();
    let served = flood(&manager.tenant("noisy"), FLOOD, "SELECT pg_sleep(0.001)");
    until(async || served.load(SeqCst) > FLOOD).await;
    let asks = manager.tenant(asks);
    let mut turns = Vec::new();
    for _ in 0..30 {
        let before = served.load(SeqCst);
        let mut connection = asks.acquire().await.unwrap();
        turns.push(served.load(SeqCst) - before);
        assert_eq!(number(&mut connection, "SELECT 1::bigint").await, 1);
    }
    let waits = ["noisy", "quiet"].map(|name| manager.tenant(name).stats().unwrap().wait.p50_ns);
    manager.close(Duration::from_secs(300)).await.unwrap();
    (turns, waits)
}

#[tokio::test]
async fn one_tenants_flood_is_served_in_its_own_time_and_not_in_that_of_another() {
    let Some(url) = url() else { return };
    let (in_one_queue, _) = turns(&url, "noisy").await;
    assert!(in_one_queue.iter().all(|turns| *turns >= FLOOD / 2), "{in_one_queue:?}");
    let (apart, [noisy, quiet]) = turns(&url, "quiet").await;
    assert!(apart.iter().all(|turns| *turns <= 3 * CONNECTIONS), "{apart:?}");
    assert!(
        noisy > 3 * quiet,
        "half of the flood waited for {noisy} ns, half of the others {quiet}"
    );
}

#[tokio::test]
async fn the_server_never_sees_a_tenant_on_more_connections_than_it_may_have() {
    const ACTIVE: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE state = 'active' AND query = 'SELECT pg_sleep(0.005) /* bounded */'";
    let Some(url) = url() else { return };
    let manager = Manager::connect(config(&url, CONNECTIONS)).await.unwrap();
    manager.set_tenant("noisy", TenantLimits::new().max(2)).unwrap();
    let served = flood(&manager.tenant("noisy"), 20, "SELECT pg_sleep(0.005) /* bounded */");
    let (mut server, mut most) = (outside(&url).await, 0);
    while served.load(SeqCst) < 100 || most < 2 && served.load(SeqCst) < 10_000 {
        let active = number(&mut server, ACTIVE).await;
        assert!(active <= 2, "{active} at once");
        most = most.max(active);
    }
    assert_eq!(most, 2);
    // What it may not have is there for others, at the same time.
    let others =
        [manager.acquire().await.unwrap(), manager.tenant("other").acquire().await.unwrap()];
    drop(others);
    manager.close(Duration::from_secs(300)).await.unwrap();
}

fn tag(manager: &Manager, tag: &str) -> TagStats {
    manager.stats().tags.into_iter().find(|stats| stats.tag == tag).expect("it was used")
}

/// Makes the session known to the server under the connection's id.
async fn sign(connection: &mut pool::PooledConnection<Postgres>) {
    let id = connection.id().to_string();
    let sql = "SELECT set_config('application_name', $1, false)";
    sqlx::query(sql).bind(id).execute(&mut **connection).await.unwrap();
}

/// What the server says of the session of that id.
async fn seen_by(server: &mut PgConnection, id: &str) -> Option<String> {
    let sql = "SELECT state FROM pg_stat_activity WHERE application_name = $1";
    sqlx::query_scalar(sql).bind(id).fetch_optional(server).await.unwrap()
}

#[tokio::test]
async fn tags_tell_who_holds_which_backend_and_for_how_long_it_was_used() {
    let Some(url) = url() else { return };
    let manager = Manager::connect(config(&url, 2)).await.unwrap();
    let mut server = outside(&url).await;
    let mut report = manager.acquire_with(Ask::new().tag("report")).await.unwrap();
    let mut checkout = manager.acquire_with(Ask::new().tag("checkout")).await.unwrap();
    sign(&mut report).await;
    sign(&mut checkout).await;
    report.execute("BEGIN").await.unwrap();
    for (holder, state) in [("report", "idle in transaction"), ("checkout", "idle")] {
        let holders = manager.stats().connections.into_iter().filter_map(|row| row.holder);
        let held: Vec<_> =
            holders.filter(|by| by.tag.as_deref() == Some(holder)).map(|by| by.id).collect();
        let [id] = held[..] else { panic!("{holder} holds {held:?}") };
        assert_eq!(seen_by(&mut server, &id.to_string()).await.as_deref(), Some(state), "{holder}");
    }
    let late = Ask::new().tag("checkout").within(Duration::from_millis(20));
    let error = manager.acquire_with(late).await.unwrap_err();
    let Error::Timeout { why: Why::Exhausted { holders, .. }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(holders.len(), 2);
    assert!(error.to_string().contains("(report)") && error.to_string().contains("(checkout)"));

    // One waits for at least as long as a query that is begun after it waits takes.
    let waits = tokio::spawn({
        let manager = manager.clone();
        async move { manager.begin_with(Ask::new().tag("checkout")).await.unwrap().commit().await }
    });
    until(async || tag(&manager, "checkout").waiting == 1).await;
    report.execute("SELECT pg_sleep(0.1)").await.unwrap();
    report.execute("COMMIT").await.unwrap();
    drop(report);
    waits.await.unwrap().unwrap();
    let (report, checkouts) = (tag(&manager, "report"), tag(&manager, "checkout"));
    assert_eq!((report.in_use, report.used.count, checkouts.in_use), (0, 1, 1));
    assert_eq!((checkouts.wait.count, checkouts.used.count, checkouts.refused), (2, 1, 1));
    assert!(report.used.max_ns >= 100_000_000 && checkouts.wait.max_ns >= 100_000_000);

    // A backend that dies in the hands of a tag is held by it no more.
    let sql =
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = $1";
    sqlx::query(sql).bind(checkout.id().to_string()).execute(&mut server).await.unwrap();
    assert!(checkout.execute("SELECT 1").await.is_err());
    drop(checkout);
    until(async || manager.stats().in_use == 0).await;
    let checkouts = tag(&manager, "checkout");
    assert_eq!((checkouts.in_use, checkouts.used.count), (0, 2));
}

#[tokio::test]
async fn a_leak_is_the_session_that_the_server_sees_idle_in_a_transaction() {
    let Some(url) = url() else { return };
    let leaks = Leaks { after: Duration::from_millis(50), backtrace: false };
    let config = config(&url, 2).set(|settings| settings.leaks = Some(leaks));
    let manager = Manager::connect(config).await.unwrap();
    let mut server = outside(&url).await;
    let mut forgotten = manager.acquire_with(Ask::new().tag("import")).await.unwrap();
    sign(&mut forgotten).await;
    let id = forgotten.id();
    let mut transaction = forgotten.begin().await.unwrap();
    transaction.execute("CREATE TABLE leaked (n int)").await.unwrap();
    let leaks = || manager.stats().leaks.unwrap();
    until(async || !leaks().out.is_empty()).await;
    let out = leaks().out;
    let [leaked] = &out[..] else { panic!("{out:?}") };
    assert_eq!((leaked.id, leaked.tag.as_deref()), (id, Some("import")));
    assert!(leaked.by.starts_with(file!()) && leaked.held_ns >= 50_000_000, "{leaked:?}");
    let state = seen_by(&mut server, &id.to_string()).await;
    assert_eq!(state.as_deref(), Some("idle in transaction"));

    // It was told of, not taken away; and when it comes back, it is as any other.
    assert_eq!(number(&mut transaction, "SELECT count(*) FROM leaked").await, 0);
    drop(transaction);
    forgotten.release().await.unwrap();
    until(async || leaks().out.is_empty()).await;
    assert_eq!((leaks().reported, leaks().returned, manager.stats().open), (1, 1, 2));
    assert_eq!(seen_by(&mut server, &id.to_string()).await.as_deref(), Some("idle"));
}

#[cfg(feature = "rate-limit")]
mod rate_limits {
    use std::time::Instant;

    use pool::{Limited, RateLimit, WhenOver};

    use super::*;

    fn limit(of: Limited, permits: u32, per: Duration, when_over: WhenOver) -> RateLimit {
        RateLimit { of, permits, per, burst: None, when_over }
    }

    /// Within the test no further permit comes: the next is due in half an hour.
    #[tokio::test]
    async fn no_more_queries_reach_the_server_than_there_are_permits() {
        let Some(url) = url() else { return };
        let hours = Duration::from_secs(10 * 3600);
        let limits = vec![limit(Limited::Pool, 20, hours, WhenOver::Refuse)];
        let config = config(&url, 4).set(|settings| settings.rate_limits = limits);
        let manager = Manager::connect(config).await.unwrap();
        let mut server = outside(&url).await;
        let create = "DROP TABLE IF EXISTS passed; CREATE TABLE passed (n int)";
        sqlx::raw_sql(create).execute(&mut server).await.unwrap();
        let calls: Vec<_> = (0..50)
            .map(|n| {
                let manager = manager.clone();
                let insert = sqlx::query("INSERT INTO passed VALUES ($1)").bind(n);
                tokio::spawn(async move { insert.execute(&manager).await })
            })
            .collect();
        let mut refused = 0;
        for call in calls {
            if let Err(error) = call.await.unwrap() {
                assert!(error.to_string().contains("the rate limit of pool is reached"), "{error}");
                refused += 1;
            }
        }
        let passed = number(&mut server, "SELECT count(*) FROM passed").await;
        let stats = &manager.stats().rate_limits[0];
        assert_eq!((refused, passed, stats.passed, stats.refused), (30, 20, 20, 30));
    }

    #[tokio::test]
    async fn those_who_wait_for_permits_are_all_served_and_no_sooner_than_these_come() {
        let Some(url) = url() else { return };
        let each = Duration::from_millis(10);
        let of_mail = Limited::Tag(String::from("mail"));
        let limits = vec![limit(of_mail, 1, each, WhenOver::Wait)];
        let config = config(&url, 4).set(|settings| settings.rate_limits = limits);
        let manager = Manager::connect(config).await.unwrap();
        let call = |manager: Manager| async move {
            let mut connection = manager.acquire_with(Ask::new().tag("mail")).await.unwrap();
            number(&mut connection, "SELECT 1::bigint").await
        };
        let begun = Instant::now();
        let calls: Vec<_> = (0..20).map(|_| tokio::spawn(call(manager.clone()))).collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), 1);
        }
        assert!(begun.elapsed() >= 19 * each, "{:?}", begun.elapsed());
        let stats = &manager.stats().rate_limits[0];
        assert_eq!((stats.passed, stats.refused, stats.waiting), (20, 0, 0));
    }
}

/// Who serves it, and how many rows of `kept` are there.
async fn served_by(manager: &Manager) -> (&'static str, i64) {
    let sql = "SELECT pg_is_in_recovery(), count(*) FROM kept";
    let (in_recovery, rows) = sqlx::query_as(sql).fetch_one(manager).await.unwrap();
    (if in_recovery { "standby" } else { "primary" }, rows)
}

/// Two servers, the one a standby of the other, with a row in `kept` that is on both.
async fn two_servers() -> Option<[Server; 2]> {
    let primary = Server::start(&POSTGRES);
    let both = primary.and_then(|primary| {
        let standby = Server::standby_of(&primary)?;
        Ok([primary, standby])
    });
    let both = both.map_err(|why| skipped(&format!("falling back to a standby: {why}"))).ok()?;
    let mut primary = outside(&both[0].url()).await;
    let create = "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)";
    sqlx::raw_sql(create).execute(&mut primary).await.unwrap();
    let standby = both[1].url();
    until(async || {
        let mut standby = outside(&standby).await;
        let rows = sqlx::query("SELECT n FROM kept").fetch_all(&mut standby).await;
        rows.is_ok_and(|rows| rows.len() == 1)
    })
    .await;
    Some(both)
}

#[tokio::test]
async fn while_the_primary_is_down_its_standby_serves_reads_and_refuses_writes() {
    let Some([mut primary, standby]) = two_servers().await else { return };
    let breaker = Breaker {
        failures_in_a_row: Some(2),
        open_min: Duration::from_millis(50),
        open_max: Duration::from_millis(100),
        ..Breaker::default()
    };
    let config_of_primary = config(&primary.url(), 2).set(|settings| {
        settings.breaker = Some(breaker);
        settings.check_after = Duration::ZERO;
    });
    let manager = Manager::connect(config_of_primary).await.unwrap();
    let of_standby = Manager::connect(config(&standby.url(), 2).name("standby")).await.unwrap();
    manager.set_fallback(Fallback::to(of_standby)).unwrap();
    assert_eq!(served_by(&manager).await, ("primary", 1));

    primary.tell("stop");
    let state = || manager.stats().breaker.unwrap().state;
    let mut reads = 0;
    while state() == CircuitState::Closed || reads < 20 {
        assert_eq!(served_by(&manager).await, ("standby", 1), "read {reads}: nobody sees an error");
        reads += 1;
    }
    let insert = sqlx::query("INSERT INTO kept VALUES (2)");
    let error = insert.execute(&manager).await.unwrap_err();
    assert!(error.to_string().contains("read-only transaction"), "{error}");
    let error = manager.acquire_with(Ask::new().no_fallback()).await.unwrap_err();
    assert!(matches!(error, Error::CircuitOpen { .. }), "{error}");
    let stats = manager.stats().degradation.unwrap();
    assert_eq!((stats.fell_back, stats.fallback_failed), (reads + 1, 0));

    primary.tell("start");
    until(async || state() == CircuitState::Closed).await;
    assert_eq!(served_by(&manager).await, ("primary", 1));
    sqlx::query("INSERT INTO kept VALUES (2)").execute(&manager).await.unwrap();
}

#[tokio::test]
async fn while_the_primary_is_full_its_standby_serves_reads() {
    let Some([primary, standby]) = two_servers().await else { return };
    let wait_less = WaitLess { waiting_over: None, limit: Duration::from_millis(20) };
    let config_of_primary = config(&primary.url(), 1).set(|settings| {
        settings.degradation.wait_less = Some(wait_less);
        // What is idle is lent at once, so that nobody but who waits for the writer is late.
        settings.check_after = Duration::from_secs(3600);
    });
    let manager = Manager::connect(config_of_primary).await.unwrap();
    let of_standby = Manager::connect(config(&standby.url(), 2).name("standby")).await.unwrap();
    manager.set_fallback(Fallback::to(of_standby)).unwrap();
    let mut writer = manager.begin().await.unwrap();
    writer.execute("INSERT INTO kept VALUES (2)").await.unwrap();
    assert_eq!(served_by(&manager).await, ("standby", 1));
    let error = manager.acquire_with(Ask::new().no_fallback()).await.unwrap_err();
    assert!(matches!(error, Error::Overloaded { .. }), "{error}");
    writer.commit().await.unwrap();
    assert_eq!(served_by(&manager).await, ("primary", 2));
}
