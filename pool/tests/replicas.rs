//! A cluster of two real PostgreSQL servers with different content, which tells where a query went.
#![cfg(feature = "postgres")]

#[path = "common/server.rs"]
mod server;

use std::time::{Duration, Instant};

use pool::{Ask, ClusterConfig, Config, DatabaseCluster, Error};
use server::{POSTGRES, Server, skipped, until};
use sqlx::{Connection, Executor, PgConnection, Postgres};

/// A server whose database says who it is.
async fn server(name: &'static str) -> Option<Server> {
    let server = Server::start(&POSTGRES)
        .map_err(|why| skipped(&format!("a cluster of private servers: {why}")))
        .ok()?;
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let sql = format!("CREATE TABLE who AS SELECT '{name}' AS name");
    connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    Some(server)
}

async fn cluster(primary: &Server, replica: &Server) -> DatabaseCluster<Postgres> {
    let vars = [
        ("DATABASE_URL", primary.url()),
        ("DATABASE_REPLICA_URLS", replica.url()),
        ("POOL_MIN", String::from("2")),
        ("POOL_MAX", String::from("4")),
        ("CLUSTER_PROBE_EVERY", String::from("20")),
        // A slow machine is not to be taken for a server that hangs.
        ("CLUSTER_FAIL_OVER_AFTER", String::from("60000")),
        ("POOL_ACQUIRE_TIMEOUT", String::from("300000")),
        ("POOL_CHECK_TIMEOUT", String::from("60000")),
        ("POOL_CONNECT_TIMEOUT", String::from("60000")),
    ];
    let look_up =
        |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    ClusterConfig::<Postgres>::from_vars(look_up).unwrap().connect().await.unwrap()
}

async fn who(connection: &mut PgConnection) -> String {
    sqlx::query_scalar("SELECT name FROM who").fetch_one(connection).await.unwrap()
}

async fn reader(cluster: &DatabaseCluster<Postgres>) -> String {
    who(&mut cluster.read().await.unwrap()).await
}

/// Longer than what is idle goes unchecked.
async fn be_idle() {
    tokio::time::sleep(
        Config::<Postgres>::new("postgres://x/y").unwrap().settings().check_after * 2,
    )
    .await;
}

#[tokio::test]
async fn reads_move_to_the_primary_when_the_replica_stops_and_back_when_it_starts() {
    let Some(primary) = server("primary").await else { return };
    let Some(mut replica) = server("replica").await else { return };
    let cluster = cluster(&primary, &replica).await;
    for _ in 0..10 {
        assert_eq!(reader(&cluster).await, "replica");
    }
    assert_eq!(who(&mut cluster.write().await.unwrap()).await, "primary");

    replica.tell("stop");
    be_idle().await;
    for _ in 0..10 {
        assert_eq!(reader(&cluster).await, "primary", "nobody sees an error");
    }
    let stats = cluster.stats();
    assert_eq!((stats.fail_overs, stats.endpoints[1].is_up), (1, false));

    replica.tell("start");
    until(async || cluster.stats().endpoints[1].is_up).await;
    assert_eq!(reader(&cluster).await, "replica");
    cluster.close(Duration::from_secs(60)).await.unwrap();
}

#[tokio::test]
async fn while_the_primary_is_stopped_reads_go_on_and_writes_say_why_not() {
    let Some(mut primary) = server("primary").await else { return };
    let Some(replica) = server("replica").await else { return };
    let cluster = cluster(&primary, &replica).await;
    primary.tell("stop");
    be_idle().await;
    assert!(cluster.write().await.is_err());
    let begun = Instant::now();
    let error = cluster.write().await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    assert!(begun.elapsed() < cluster.primary().settings().acquire_timeout, "it waits for nothing");
    assert!(cluster.is_read_only());
    assert_eq!(reader(&cluster).await, "replica");

    primary.tell("start");
    until(async || !cluster.is_read_only()).await;
    let mut transaction = cluster.primary().begin().await.unwrap();
    transaction.execute("UPDATE who SET name = 'the same'").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(who(&mut cluster.write().await.unwrap()).await, "the same");
    assert_eq!(reader(&cluster).await, "replica");
}

/// On a standby that follows its primary, so that a write that is routed wrongly is refused by the server.
#[tokio::test]
async fn executors_read_on_the_standby_and_write_on_the_primary_through_failures_of_both() {
    let Some(mut primary) = server("primary").await else { return };
    let mut standby = match Server::standby_of(&primary) {
        Ok(server) => server,
        Err(why) => return skipped(&format!("a cluster with a standby: {why}")),
    };
    let cluster = cluster(&primary, &standby).await;
    let (reads, writes) = (cluster.reader_with(Ask::new().tag("page")), cluster.writer());
    let insert = "INSERT INTO seen VALUES ($1) RETURNING n";
    let on_standby = async || -> bool {
        sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&reads).await.unwrap()
    };
    sqlx::raw_sql("CREATE TABLE seen (n int)").execute(&writes).await.unwrap();
    let mut transaction = writes.begin().await.unwrap();
    let one: i32 = sqlx::query_scalar(insert).bind(1).fetch_one(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    let count = "SELECT count(*) FROM seen";
    until(async || {
        // Until the table is there, too.
        let seen = sqlx::query_scalar::<_, i64>(count).fetch_one(&reads).await;
        seen.is_ok_and(|seen| seen == 1)
    })
    .await;
    assert_eq!((one, on_standby().await), (1, true));
    let error = sqlx::query(insert).bind(2).execute(&reads).await.unwrap_err();
    assert!(error.to_string().contains("read-only transaction"), "{error}");
    let stats = cluster.stats();
    let [of_primary, of_standby] = &stats.endpoints[..] else { panic!("{stats:?}") };
    assert_eq!((of_primary.reads, of_primary.writes, of_standby.writes), (0, 2, 0));
    let tags: Vec<_> = of_standby.pool.tags.iter().map(|tag| tag.tag.as_str()).collect();
    assert_eq!(tags, ["page"]);

    standby.tell("stop");
    be_idle().await;
    assert!(!on_standby().await, "the primary takes over, and nobody sees an error");
    standby.tell("start");
    until(async || cluster.stats().endpoints[1].is_up).await;
    assert!(on_standby().await);

    primary.tell("stop");
    be_idle().await;
    assert!(sqlx::query(insert).bind(3).execute(&writes).await.is_err(), "who finds it");
    let error = sqlx::query(insert).bind(4).execute(&writes).await.unwrap_err();
    assert!(
        error.to_string().starts_with("error communicating with database: read-only"),
        "{error}"
    );
    assert!(writes.begin().await.is_err());
    let mut snapshot = reads.begin().await.unwrap();
    let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *snapshot).await.unwrap();
    snapshot.rollback().await.unwrap();
    assert_eq!((seen, on_standby().await), (1, true), "reads go on");
    primary.tell("start");
    until(async || !cluster.is_read_only()).await;
    sqlx::query(insert).bind(5).execute(&writes).await.unwrap();
    cluster.close(Duration::from_secs(60)).await.unwrap();
}

#[test]
fn what_is_wrong_in_the_environment_is_named() {
    let with = |more: &'static [(&'static str, &'static str)]| {
        ClusterConfig::<Postgres>::from_vars(move |name| {
            let vars = [("DATABASE_URL", "postgres://localhost/a")];
            let mut all = more.iter().chain(&vars);
            all.find(|(known, _)| *known == name).map(|(_, value)| String::from(*value))
        })
    };
    let two = with(&[("DATABASE_REPLICA_URLS", "postgres://b/b, postgres://c/c")]).unwrap();
    assert_eq!(two.replicas().len(), 2);
    for (vars, expected) in [
        (
            &[("DATABASE_REPLICA_URLS", "mysql://b/b")][..],
            "DATABASE_REPLICA_URLS: the scheme 'mysql' is none of PostgreSQL's: postgres, postgresql",
        ),
        (
            &[("CLUSTER_ROUTING", "random")],
            "CLUSTER_ROUTING: unknown variant `random`, expected `least_loaded` or `round_robin`",
        ),
        (&[("CLUSTER_READS", "replicas_only")], "reads: replicas_only needs a replica"),
        (&[("CLUSTER_PROBE_EVERY", "soon")], "CLUSTER_PROBE_EVERY: 'soon' is not a whole number"),
    ] {
        assert_eq!(with(vars).unwrap_err().to_string(), expected);
    }
    let json = r#"{"primary": {"url": "postgres://a/a"}, "replicas": [{"url": "postgres://b/b"}],
                   "settings": {"routing": "round_robin", "probe_every": 50}}"#;
    let config: ClusterConfig<Postgres> = serde_json::from_str(json).unwrap();
    assert_eq!(config.settings().probe_every, Duration::from_millis(50));
    assert!(serde_json::from_str::<ClusterConfig<Postgres>>(r#"{"replicas": []}"#).is_err());
}
