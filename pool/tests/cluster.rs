//! A primary and its replicas over databases that are not there, in paused time.

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{FROZEN, Fake, Server, millis, settings};
use pool::{Cluster, ClusterSettings, ClusterStats, Error, Priority, Reads, Routing, StartError};
use tokio::time::{Instant, sleep};

type Servers = Vec<Arc<Server>>;

const SECOND: Duration = Duration::from_secs(1);

/// A primary and so many replicas, with two connections each that are always checked before a loan.
async fn start(replicas: usize, of: ClusterSettings) -> (Cluster<Fake>, Servers) {
    let fakes: Vec<_> = (0..=replicas).map(|_| Fake::default()).collect();
    let servers = fakes.iter().map(|fake| Arc::clone(&fake.0)).collect();
    (over(fakes, of).await.unwrap(), servers)
}

async fn over(fakes: Vec<Fake>, of: ClusterSettings) -> Result<Cluster<Fake>, StartError> {
    let mut sources: Vec<_> = fakes
        .into_iter()
        .map(|fake| (fake, pool::Settings { check_after: Duration::ZERO, ..settings(1, 2) }))
        .collect();
    let primary = sources.remove(0);
    Cluster::start(primary, sources, of).await
}

fn round_robin() -> ClusterSettings {
    ClusterSettings { routing: Routing::RoundRobin, ..Default::default() }
}

fn dies(server: &Server) {
    server.is_down.store(true, SeqCst);
    server.kill_all();
}

/// How many reads each endpoint was given so far, the primary first.
fn reads(stats: &ClusterStats) -> Vec<u64> {
    stats.endpoints.iter().map(|endpoint| endpoint.reads).collect()
}

fn up(stats: &ClusterStats) -> Vec<bool> {
    stats.endpoints.iter().map(|endpoint| endpoint.is_up).collect()
}

#[tokio::test(start_paused = true)]
async fn reads_go_to_the_replicas_in_turn_and_writes_to_the_primary() {
    let (cluster, servers) = start(3, round_robin()).await;
    for _ in 0..40 {
        drop(cluster.read().await.unwrap());
    }
    for _ in 0..5 {
        drop(cluster.write_with(Priority::High).await.unwrap());
    }
    let stats = cluster.stats();
    assert_eq!(reads(&stats), [0, 14, 13, 13]);
    assert_eq!((stats.endpoints[0].writes, stats.fail_overs, stats.is_read_only), (5, 0, false));
    assert_eq!(Server::count(&servers[0].checks), 5, "its connection was lent for writes only");
    let names: Vec<_> = stats.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    assert_eq!(names, ["pool-primary", "pool-replica-1", "pool-replica-2", "pool-replica-3"]);
}

#[tokio::test(start_paused = true)]
async fn the_least_loaded_one_is_asked_first() {
    let of = ClusterSettings { reads: Reads::Any, ..Default::default() };
    let (cluster, _servers) = start(2, of).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(cluster.read().await.unwrap());
    }
    assert_eq!(reads(&cluster.stats()), [2, 2, 2], "each as many, for none is given back");
}

#[tokio::test(start_paused = true)]
async fn when_a_replica_dies_no_read_sees_it_and_when_it_is_back_it_is_asked_again() {
    let (cluster, servers) = start(2, round_robin()).await;
    sleep(millis(200)).await;
    dies(&servers[1]);
    let begun = Instant::now();
    for _ in 0..20 {
        drop(cluster.read().await.unwrap());
    }
    assert_eq!(begun.elapsed(), millis(0), "at once, by the failed check and the refused connect");
    let stats = cluster.stats();
    assert_eq!((reads(&stats), up(&stats)), (vec![0, 0, 20], vec![true, false, true]));
    assert_eq!((stats.fail_overs, stats.endpoints[1].went_down), (1, 1));
    assert_eq!(stats.endpoints[1].last_error.as_deref(), Some("the fake server says no"));

    sleep(2 * SECOND).await;
    assert!(!cluster.stats().endpoints[1].is_up);
    assert!(cluster.stats().endpoints[1].down_ns >= 2_000_000_000);
    servers[1].is_down.store(false, SeqCst);
    sleep(cluster_probes()).await;
    for _ in 0..20 {
        drop(cluster.read().await.unwrap());
    }
    let stats = cluster.stats();
    assert_eq!((up(&stats), stats.endpoints[1].came_back), (vec![true, true, true], 1));
    assert!(stats.endpoints[1].reads >= 6, "{:?}", reads(&stats));
}

/// So long that every endpoint that is down was looked at.
fn cluster_probes() -> Duration {
    ClusterSettings::default().probe_every + millis(300)
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_reads_sees_nothing_of_a_replica_that_dies_under_it() {
    let (cluster, servers) = start(2, ClusterSettings::default()).await;
    let callers: Vec<_> = (0..200)
        .map(|n| {
            let cluster = cluster.clone();
            tokio::spawn(async move {
                sleep(millis(n)).await;
                let guard = cluster.read().await.map(drop);
                sleep(millis(3)).await;
                guard
            })
        })
        .collect();
    sleep(millis(100)).await;
    dies(&servers[2]);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(reads(&cluster.stats()).iter().sum::<u64>(), 200);
}

#[tokio::test(start_paused = true)]
async fn when_no_replica_is_up_the_primary_serves_reads_if_it_may() {
    for policy in [Reads::Replicas, Reads::ReplicasOnly] {
        let of = ClusterSettings { reads: policy, ..Default::default() };
        let (cluster, servers) = start(2, of).await;
        sleep(millis(200)).await;
        dies(&servers[1]);
        dies(&servers[2]);
        let read = cluster.read().await;
        assert_eq!(read.is_ok(), policy == Reads::Replicas);
        drop(read);
        assert_eq!(up(&cluster.stats()), [true, false, false]);
        // Every one is down for these reads; so every one is asked, and one is just back.
        servers[2].is_down.store(false, SeqCst);
        if policy == Reads::ReplicasOnly {
            sleep(millis(150)).await;
            drop(cluster.read().await.unwrap());
            assert_eq!(up(&cluster.stats()), [true, false, true]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_primary_is_gone_it_is_read_only_until_it_is_back() {
    let (cluster, servers) = start(1, ClusterSettings::default()).await;
    sleep(millis(200)).await;
    dies(&servers[0]);
    assert!(matches!(cluster.write().await, Err(Error::Connect { .. })), "the one who finds it");
    let attempts = Server::count(&servers[0].attempts);
    for _ in 0..10 {
        let error = cluster.write().await.unwrap_err();
        let expected = "read-only, as the primary is down: the fake server says no";
        assert_eq!(error.to_string(), expected);
        drop(cluster.read().await.unwrap());
    }
    assert_eq!(Server::count(&servers[0].attempts), attempts, "nobody tries meanwhile");
    assert!(cluster.is_read_only() && cluster.stats().is_read_only);
    servers[0].is_down.store(false, SeqCst);
    sleep(cluster_probes()).await;
    drop(cluster.write().await.unwrap());
    assert!(!cluster.is_read_only());
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_costs_a_read_the_time_set_and_later_ones_nothing() {
    let (cluster, servers) = start(2, round_robin()).await;
    sleep(millis(200)).await;
    servers[1].check_ms.store(FROZEN, SeqCst);
    servers[1].connect_ms.store(FROZEN, SeqCst);
    let mut slowest = Duration::ZERO;
    for _ in 0..6 {
        let begun = Instant::now();
        drop(cluster.read().await.unwrap());
        slowest = slowest.max(begun.elapsed());
    }
    assert_eq!(slowest, ClusterSettings::default().fail_over_after);
    let stats = cluster.stats();
    assert_eq!((up(&stats), stats.fail_overs), (vec![true, false, true], 1));
}

#[tokio::test(start_paused = true)]
async fn one_whose_connections_are_all_taken_is_not_down() {
    let (cluster, _servers) = start(2, ClusterSettings::default()).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(cluster.read().await.unwrap());
    }
    // Both replicas are full; after a second each, the primary serves.
    let begun = Instant::now();
    held.push(cluster.read().await.unwrap());
    assert_eq!(begun.elapsed(), 2 * ClusterSettings::default().fail_over_after);
    assert_eq!((reads(&cluster.stats()), up(&cluster.stats())), (vec![1, 2, 2], vec![true; 3]));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_one_for_all_endpoints_together() {
    let (cluster, servers) = start(2, ClusterSettings::default()).await;
    sleep(millis(200)).await;
    for server in &servers {
        server.check_ms.store(FROZEN, SeqCst);
        server.connect_ms.store(FROZEN, SeqCst);
    }
    let begun = Instant::now();
    let ask = pool::Ask::new().within(millis(1_500));
    assert!(matches!(cluster.read_with(ask).await, Err(Error::Timeout { .. })));
    assert_eq!(begun.elapsed(), millis(1_500));
}

#[tokio::test(start_paused = true)]
async fn it_starts_with_what_there_is() {
    let (replica_down, all_down) = (vec![Fake::default(), Fake::default()], vec![Fake::default()]);
    replica_down[1].0.is_down.store(true, SeqCst);
    let replica = Arc::clone(&replica_down[1].0);
    let cluster = over(replica_down, ClusterSettings::default()).await.unwrap();
    assert_eq!(up(&cluster.stats()), [true, false]);
    drop(cluster.read().await.unwrap());
    replica.is_down.store(false, SeqCst);
    sleep(cluster_probes()).await;
    assert_eq!(up(&cluster.stats()), [true, true]);

    all_down[0].0.is_down.store(true, SeqCst);
    let error = over(all_down, ClusterSettings::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot connect: the fake server says no");

    let wrong = ClusterSettings { reads: Reads::ReplicasOnly, ..Default::default() };
    let error = over(vec![Fake::default()], wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "reads: replicas_only needs a replica");
    let wrong = ClusterSettings { probe_every: Duration::ZERO, ..Default::default() };
    let error = over(vec![Fake::default()], wrong).await.unwrap_err();
    assert_eq!(error.to_string(), "probe_every: must be more than zero");
    let many = (0..65).map(|_| Fake::default()).collect();
    let error = over(many, ClusterSettings::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "replicas: 64 are more than 63");
}

#[tokio::test(start_paused = true)]
async fn closing_closes_every_pool_and_waits_for_the_borrowed() {
    let (cluster, servers) = start(2, ClusterSettings::default()).await;
    let held = cluster.read().await.unwrap();
    let late = cluster.close(millis(10)).await;
    assert!(matches!(late, Err(Error::StillBorrowed { .. })));
    drop(held);
    cluster.close(SECOND).await.unwrap();
    assert!(servers.iter().all(|server| Server::count(&server.open) == 0));
    assert!(matches!(cluster.read().await, Err(Error::Closed)));
    assert!(matches!(cluster.write().await, Err(Error::Closed)));
}

#[tokio::test(start_paused = true)]
async fn what_it_says_about_itself_serializes() {
    let (cluster, _servers) = start(1, ClusterSettings::default()).await;
    let text = serde_json::to_string(&cluster.stats()).unwrap();
    let read: ClusterStats = serde_json::from_str(&text).unwrap();
    assert_eq!((read.endpoints.len(), read.endpoints[1].name.as_str()), (2, "pool-replica-1"));
}
