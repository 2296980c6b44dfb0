//! That a run with faults repeats from its seed, event by event. A binary of its own: whether anybody listens to
//! an event is remembered for the process, and tests beside it do not.
#![cfg(feature = "fault-injection")]

mod common;

use std::io::Write;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Fake, millis, settings};
use pool::faults::{Faults, Faulty};
use pool::{Pool, Settings, Step};
use tokio::time::sleep;

/// Collects lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The events, with ids that do not show the time of day.
    fn timeless(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let word = |word: &str| match word.strip_prefix("id=conn_") {
            Some(id) => format!("conn_{}", id.split('_').next().unwrap()),
            None => String::from(word),
        };
        let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
        text.lines().map(line).collect()
    }
}

/// All events of a crowd over a pool with faults everywhere.
async fn events_of(seed: u64) -> Vec<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _listening = tracing::subscriber::set_default(subscriber);
    let faults = Faults::new(seed);
    let settings = Settings { max_lifetime: None, check_after: millis(2), ..settings(0, 5) };
    let fake = Fake::default();
    let server = Arc::clone(&fake.0);
    let pool = Pool::start(Faulty::new(fake, faults.clone()), settings).await.unwrap();
    server.connect_ms.store(3, SeqCst);
    for (step, rate) in [(Step::Connect, 0.2), (Step::Check, 0.3), (Step::Release, 0.1)] {
        faults.set_rate(step, rate).unwrap();
        faults.set_delay(step, 0.3, millis(5)).unwrap();
    }
    let callers: Vec<_> = (0..150)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                sleep(millis(n)).await;
                if let Ok(_guard) = pool.acquire_timeout(millis(40)).await {
                    sleep(millis(n % 7)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    pool.close(Duration::from_secs(5)).await.unwrap();
    drop(pool);
    lines.timeless()
}

#[tokio::test(start_paused = true)]
async fn a_run_repeats_exactly_from_its_seed() {
    let (first, again, other) = (events_of(3).await, events_of(3).await, events_of(4).await);
    let injected = first.iter().filter(|line| line.contains("fault injected")).count();
    assert!(injected > 30, "{injected} of {} events", first.len());
    for (at, (first, again)) in first.iter().zip(&again).enumerate() {
        assert_eq!(first, again, "event {at}");
    }
    assert_eq!(first.len(), again.len());
    assert_ne!(first, other);
}
