//! Replicas: reads go on when an endpoint dies, and come back to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use pool::{ClusterConfig, DatabaseCluster};
use sqlx::Any;

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "Reads leave a replica that dies, and return when it is back";

pub(crate) async fn show(tour: &Tour) -> Outcome {
    let is_down = Arc::new(AtomicBool::new(false));
    let answer = {
        let is_down = Arc::clone(&is_down);
        move || {
            let refused = sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
            if is_down.load(SeqCst) { Err(refused) } else { Ok(()) }
        }
    };
    let (connecting, checking) = (answer.clone(), answer);
    let config = tour.config.clone().min(1).max(2);
    let replica = config
        .clone()
        .name("replica")
        .set(|settings| settings.check_after = Duration::ZERO)
        .after_connect(move |_| {
            let answer = connecting();
            Box::pin(async move { answer })
        })
        .check(move |_| {
            let answer = checking();
            Box::pin(async move { answer })
        });
    let cluster = ClusterConfig::new(config.name("primary"))
        .replica(replica)
        .set(|settings| settings.probe_every = Duration::from_millis(5))
        .connect()
        .await?;
    let mut reads = vec![reader(&cluster).await?];
    is_down.store(true, SeqCst);
    reads.push(reader(&cluster).await?);
    is_down.store(false, SeqCst);
    while cluster.stats().endpoints.iter().any(|endpoint| !endpoint.is_up) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    reads.push(reader(&cluster).await?);
    let reads = reads.join(", ");
    ensure!(reads == "replica, primary, replica", "reads by {reads}");
    // As sqlx's pool is used, on a replica and on the primary.
    for executor in [cluster.reader(), cluster.writer()] {
        sqlx::query("SELECT 1").execute(&executor).await?;
    }
    let stats = cluster.stats();
    let (reads_of, writes_of) = (&stats.endpoints[1], &stats.endpoints[0]);
    ensure!((reads_of.reads, writes_of.writes) == (3, 1), "routed wrongly: {stats:?}");
    cluster.close(Duration::from_secs(5)).await?;
    Ok(format!("reads by {reads}"))
}

async fn reader(cluster: &DatabaseCluster<Any>) -> Outcome {
    Ok(String::from(cluster.read().await?.pool_name()))
}
