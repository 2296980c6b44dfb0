//! A primary and two replicas: where reads and writes go, when one of them dies and when it is back.
//!
//!     cargo run -p pool --example replicas
//!
//! Three SQLite databases play the servers; each says who it is, which tells where a query went. Exits with
//! an error if a read fails while any of them is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use pool::{ClusterConfig, Config, DatabaseCluster, Error};
use sqlx::Sqlite;
use sqlx::sqlite::SqliteConnectOptions;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A server that can be switched off: then nobody connects to it, and its connections fail their checks.
fn server(name: &'static str, is_off: &Arc<AtomicBool>) -> Outcome<Config<Sqlite>> {
    let [connect, check] = [Arc::clone(is_off), Arc::clone(is_off)];
    let refused = || sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
    Ok(Config::<Sqlite>::new("sqlite::memory:")?
        .min(1)
        .max(2)
        .name(name)
        .set(|settings| settings.check_after = Duration::ZERO)
        .before_connect(move || {
            let options = match connect.load(SeqCst) {
                true => Err(refused()),
                false => Ok(SqliteConnectOptions::new().in_memory(true)),
            };
            Box::pin(async move { options })
        })
        .after_connect(move |connection| {
            Box::pin(async move {
                let sql = "CREATE TEMP TABLE who AS SELECT ? AS name";
                sqlx::query(sql).bind(name).execute(connection).await.map(drop)
            })
        })
        .check(move |_| {
            let is_off = check.load(SeqCst);
            Box::pin(async move { if is_off { Err(refused()) } else { Ok(()) } })
        }))
}

/// Who serves so many reads.
async fn readers(cluster: &DatabaseCluster<Sqlite>, reads: usize) -> Outcome<Vec<String>> {
    let reader = cluster.reader();
    let mut names = Vec::new();
    for _ in 0..reads {
        names.push(sqlx::query_scalar("SELECT name FROM who").fetch_one(&reader).await?);
    }
    Ok(names)
}

async fn until_up(cluster: &DatabaseCluster<Sqlite>) {
    while cluster.stats().endpoints.iter().any(|endpoint| !endpoint.is_up) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let off: [_; 3] = std::array::from_fn(|_| Arc::new(AtomicBool::new(false)));
    let cluster = ClusterConfig::new(server("primary", &off[0])?)
        .replica(server("replica 1", &off[1])?)
        .replica(server("replica 2", &off[2])?)
        .set(|settings| settings.probe_every = Duration::from_millis(10))
        .connect()
        .await?;
    let all_up = readers(&cluster, 4).await?;
    println!("all are up:            reads by {}", all_up.join(", "));
    assert_eq!(all_up, ["replica 1", "replica 2", "replica 1", "replica 2"]);

    off[1].store(true, SeqCst);
    let one_down = readers(&cluster, 4).await?;
    println!("replica 1 is down:     reads by {}", one_down.join(", "));
    assert_eq!(one_down, ["replica 2"; 4]);

    off[2].store(true, SeqCst);
    let both_down = readers(&cluster, 2).await?;
    println!("both replicas are:     reads by {}", both_down.join(", "));
    assert_eq!(both_down, ["primary"; 2]);

    off.iter().for_each(|is_off| is_off.store(false, SeqCst));
    until_up(&cluster).await;
    off[0].store(true, SeqCst);
    let found = cluster.write().await.unwrap_err();
    let refused = cluster.write().await.unwrap_err();
    println!("the primary is down:   {found}; then {refused}");
    let through_sqlx = sqlx::query("DELETE FROM who").execute(&cluster.writer()).await.unwrap_err();
    println!("                       {through_sqlx}");
    assert!(matches!(refused, Error::ReadOnly { .. }));
    assert_eq!(readers(&cluster, 2).await?.len(), 2);

    off[0].store(false, SeqCst);
    until_up(&cluster).await;
    sqlx::query("UPDATE who SET name = 'the same'").execute(&cluster.writer()).await?;
    for endpoint in cluster.stats().endpoints {
        let (down, back) = (endpoint.went_down, endpoint.came_back);
        println!("{:9}  {} reads, {down} times down, {back} back", endpoint.name, endpoint.reads);
        assert_eq!((down, back), (1, 1));
    }
    cluster.close(Duration::from_secs(5)).await?;
    Ok(())
}

#[cfg(test)]
#[test]
fn it_is_as_it_says() {
    main().unwrap();
}
