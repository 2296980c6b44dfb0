//! A maximum that adapts, in paused time, to loads that are steady, come, go, and saturate the database.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use common::{Fake, Server, millis, settings, start};
use pool::{Adaptive, Pool, Reason, Settings, Signal};
use tokio::time::sleep;

const BOUNDS: (usize, usize) = (2, 60);

async fn adapting(max: usize) -> (Pool<Fake>, Arc<Server>) {
    let (min_max, max_max) = BOUNDS;
    let wait_target = millis(20);
    let adaptive = Some(Adaptive { min_max, max_max, wait_target, ..Default::default() });
    start(Settings { adaptive, max, ..settings(2, max) }).await
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Callers who pause for 400 ms and hold a connection for 200 ms on average, from half to one and a half
/// times that, as long as there are so many `wanted`.
fn load(pool: &Pool<Fake>, callers: usize, wanted: &Arc<AtomicUsize>) {
    for caller in 0..callers {
        let (pool, wanted) = (pool.clone(), Arc::clone(wanted));
        let mut state = u64::try_from(caller).unwrap();
        let mut about = move |mean: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            millis(mean / 2 + (state >> 33) % mean)
        };
        tokio::spawn(async move {
            while caller < wanted.load(SeqCst) {
                sleep(about(400)).await;
                let _guard = pool.acquire().await.unwrap();
                sleep(about(200)).await;
            }
        });
    }
}

fn changes(pool: &Pool<Fake>) -> u64 {
    pool.stats().adaptive.unwrap().changes
}

/// The maxima that there are within the next so many seconds, and how long callers wait on average, in
/// milliseconds.
async fn watch(pool: &Pool<Fake>, time: u64) -> (Vec<usize>, u64) {
    let before = pool.stats().wait;
    let mut maxima = vec![pool.stats().max];
    for _ in 0..time {
        sleep(seconds(1)).await;
        let max = pool.stats().max;
        if maxima.last() != Some(&max) {
            maxima.push(max);
        }
    }
    let after = pool.stats().wait;
    (maxima, (after.total_ns - before.total_ns) / (after.count - before.count) / 1_000_000)
}

fn turns(maxima: &[usize]) -> usize {
    maxima.windows(3).filter(|near| (near[0] < near[1]) != (near[1] < near[2])).count()
}

/// A third of the callers' time is spent with a connection: so many are in use when nobody waits.
#[tokio::test(start_paused = true)]
async fn under_a_steady_load_it_comes_to_rest_and_stays() {
    for (callers, begins) in [(3, 2), (3, 60), (30, 2), (30, 60), (90, 10), (90, 60)] {
        let (pool, _server) = adapting(begins).await;
        load(&pool, callers, &Arc::new(AtomicUsize::new(callers)));
        let (first, _) = watch(&pool, 300).await;
        let (then, wait) = watch(&pool, 400).await;
        println!("{callers} callers: {first:?}, then {then:?} with waits of {wait} ms");
        assert!(turns(&first) <= 1, "it goes to and fro: {first:?}");
        assert_eq!(then.len(), 1, "it moves under a steady load: {then:?}");
        let max = then[0];
        assert!(wait <= 20 && max >= callers / 3, "{callers} callers over {max} wait {wait} ms");
        // Twice the use is idle at most, but for the bounds and for whole connections.
        assert!(max <= (callers * 2 / 3).max(BOUNDS.0 + 3), "{max} for {callers} callers");
    }
}

#[tokio::test(start_paused = true)]
async fn it_follows_a_load_that_goes_and_comes_and_rests_between() {
    let (pool, server) = adapting(10).await;
    let wanted = Arc::new(AtomicUsize::new(60));
    load(&pool, 60, &wanted);
    let (up, _) = watch(&pool, 120).await;
    wanted.store(12, SeqCst);
    let (down, _) = watch(&pool, 300).await;
    let low = pool.stats();
    assert!(low.max <= up.last().unwrap() / 2 && low.max >= 4, "{up:?}, {down:?}");
    assert!(low.closed[&Reason::Surplus] > 0 && low.open <= low.max, "{low:?}");
    assert_eq!(low.adaptive.unwrap().last.unwrap().signal, Signal::Unused);

    load(&pool, 48, &Arc::new(AtomicUsize::new(48)));
    let (again, _) = watch(&pool, 120).await;
    let last = pool.stats().adaptive.unwrap().last.unwrap();
    assert!(last.to > last.from && last.signal == Signal::Waits && last.mean_wait_ns > 20_000_000);
    assert!(again.last() >= Some(&20), "{again:?} for sixty callers again");
    println!("{up:?}, {down:?}, {again:?}");
    let (rest, _) = watch(&pool, 300).await;
    assert_eq!((turns(&up), turns(&down), turns(&again), rest.len()), (0, 0, 0, 1));
    assert!(Server::count(&server.most_open) <= BOUNDS.1);
}

/// The more of it are used, the slower is each: the database serves 200 a second, however many ask at once.
#[tokio::test(start_paused = true)]
async fn it_does_not_pile_more_onto_a_database_that_is_at_its_limit() {
    let (pool, _server) = adapting(8).await;
    let under_way = Arc::new(AtomicUsize::new(0));
    for _ in 0..40 {
        let (pool, under_way) = (pool.clone(), Arc::clone(&under_way));
        tokio::spawn(async move {
            loop {
                let _guard = pool.acquire().await.unwrap();
                let beside = under_way.fetch_add(1, SeqCst) + 1;
                sleep(millis(5) * u32::try_from(beside).unwrap()).await;
                under_way.fetch_sub(1, SeqCst);
            }
        });
    }
    sleep(seconds(60)).await;
    let stats = pool.stats();
    let adaptive = stats.adaptive.unwrap();
    assert_eq!((stats.max, adaptive.changes), (8, 2), "up, and back");
    assert_eq!(adaptive.last.unwrap().signal, Signal::Saturated);
    sleep(seconds(600)).await;
    assert_eq!(changes(&pool), 2);
}

/// Those in high places have long holders: idle ones below go.
#[tokio::test(start_paused = true)]
async fn borrowers_are_not_disturbed_when_it_shrinks() {
    let (pool, server) = adapting(40).await;
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(pool.acquire().await.unwrap());
    }
    held.drain(..25);
    sleep(seconds(60)).await;
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.open), (15, stats.max), "{stats:?}");
    assert!((20..30).contains(&stats.max), "{}", stats.max);
    assert_eq!(Server::count(&server.open), stats.open);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong = |adaptive: Adaptive, min, max| {
        let settings = Settings { min, max, adaptive: Some(adaptive), ..Default::default() };
        settings.validate().unwrap_err().to_string()
    };
    let bounds = |min_max, max_max| Adaptive { min_max, max_max, ..Default::default() };
    assert_eq!(wrong(bounds(0, 5), 0, 5), "adaptive.min_max: must be at least 1");
    assert_eq!(
        wrong(bounds(9, 5), 1, 5),
        "adaptive.min_max: 9 is more than adaptive.max_max, which is 5"
    );
    assert_eq!(wrong(bounds(2, 5), 3, 5), "adaptive.min_max: 2 is less than min, which is 3");
    let every = Adaptive { every: Duration::ZERO, ..bounds(1, 5) };
    assert_eq!(wrong(every, 1, 5), "adaptive.every: must be more than zero");
}
