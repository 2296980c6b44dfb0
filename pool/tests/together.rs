//! Parts of the pool that meet, in paused time: warm-ups under a maximum that adapts, a circuit in a cluster.

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use common::{Fake, Server, millis, settings, start};
use pool::{Adaptive, Breaker, Cluster, ClusterSettings, Error, Settings, Warm};
use tokio::time::sleep;

const MINUTE: Duration = Duration::from_secs(60);

/// 20 at the start, of which nobody uses any: the maximum shrinks below what is kept warm.
#[tokio::test(start_paused = true)]
async fn a_warm_up_is_measured_by_the_maximum_of_now() {
    let adaptive = Some(Adaptive { min_max: 2, max_max: 60, ..Default::default() });
    let warm = Warm { at_start: 20, keep: 60 * MINUTE };
    let (pool, server) = start(Settings { adaptive, warm, ..settings(2, 20) }).await;
    assert_eq!(pool.stats().idle, 20);
    let held = pool.acquire().await.unwrap();
    sleep(10 * MINUTE).await;
    let stats = pool.stats();
    assert!(stats.max < 10, "{}", stats.max);
    // What is kept warm opens nothing beyond the maximum, nor anything only to be closed.
    assert_eq!((stats.open, Server::count(&server.opened)), (stats.max, 20));
    assert_eq!(stats.warm.kept, 20);

    let error = pool.warm_up(stats.max + 1).await.unwrap_err();
    let (wanted, max) = (stats.max + 1, stats.max);
    assert_eq!(error.to_string(), format!("warm_up: {wanted} is more than max, which is {max}"));
    assert_eq!(pool.warm_up(stats.max).await.unwrap(), 0);
    drop(held);

    // The start's maximum is the one that the settings name.
    let settings =
        Settings { warm: Warm { at_start: 21, ..Default::default() }, ..pool.settings().clone() };
    let error = settings.validate().unwrap_err();
    assert_eq!(error.to_string(), "warm.at_start: 21 is more than max, which is 20");
}

/// It has failed for nobody who reads: in the background alone.
#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_circuit_is_open_is_down_until_it_closes() {
    let fakes = [Fake::default(), Fake::default()];
    let server = Arc::clone(&fakes[1].0);
    let breaker = Some(Breaker { failures_in_a_row: Some(1), ..Default::default() });
    let [primary, replica] =
        fakes.map(|fake| (fake, Settings { breaker: breaker.clone(), ..settings(0, 2) }));
    let probe_every = millis(100);
    let of = ClusterSettings { probe_every, ..Default::default() };
    let cluster = Cluster::start(primary, vec![replica], of).await.unwrap();
    server.is_down.store(true, SeqCst);
    let replica = cluster.replicas().next().unwrap().clone();
    assert!(replica.warm_up(1).await.is_err());
    assert!(matches!(replica.acquire().await, Err(Error::CircuitOpen { .. })));
    assert!(cluster.stats().endpoints[1].is_up, "nobody has asked the cluster");

    drop(cluster.read().await.unwrap());
    let stats = cluster.stats();
    let [primary, replica] = &stats.endpoints[..] else { panic!("{stats:?}") };
    assert_eq!((replica.is_up, replica.went_down, primary.reads), (false, 1, 1), "{stats:?}");
    // It is not asked again as long as it is down.
    let refused =
        |stats: &pool::ClusterStats| stats.endpoints[1].pool.breaker.as_ref().unwrap().refused;
    drop(cluster.read().await.unwrap());
    assert_eq!(refused(&cluster.stats()), refused(&stats));

    server.is_down.store(false, SeqCst);
    sleep(MINUTE).await;
    let replica = &cluster.stats().endpoints[1];
    assert_eq!((replica.is_up, replica.came_back), (true, 1));
}
