//! A cluster of two real PostgreSQL servers with different content, which tells where a query went.
#![cfg(feature = "postgres")]

#[path = "common/server.rs"]
mod server;

use std::time::{Duration, Instant};

use pool::{ClusterConfig, Config, DatabaseCluster, Error};
use server::{POSTGRES, Server, skipped};
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

/// Until it is so; how long that takes is the machine's business.
async fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never happens");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
    until(|| cluster.stats().endpoints[1].is_up).await;
    assert_eq!(reader(&cluster).await, "replica");
    cluster.close(Duration::from_secs(5)).await.unwrap();
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
    assert!(begun.elapsed() < Duration::from_secs(1), "it fails at once");
    assert!(cluster.is_read_only());
    assert_eq!(reader(&cluster).await, "replica");

    primary.tell("start");
    until(|| !cluster.is_read_only()).await;
    let mut transaction = cluster.primary().begin().await.unwrap();
    transaction.execute("UPDATE who SET name = 'the same'").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(who(&mut cluster.write().await.unwrap()).await, "the same");
    assert_eq!(reader(&cluster).await, "replica");
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
