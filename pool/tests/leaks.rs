//! Leaks: reported once, when they are due, and found again.

mod common;
#[path = "common/events.rs"]
mod events;

use std::sync::Arc;

use common::{FROZEN, Server, assert_whole, millis, settings, start};
use events::Events;
use pool::{Ask, Leaks, Settings};
use tokio::time::sleep;

fn leaks(after: u64, backtrace: bool) -> Settings {
    Settings { leaks: Some(Leaks { after: millis(after), backtrace }), ..settings(2, 2) }
}

const REPORTED: &str = "connection held for too long";
const BACK: &str = "leaked connection is back";

#[tokio::test(start_paused = true)]
async fn one_that_is_held_too_long_is_reported_once_and_found_again() {
    let events = Events::listen();
    let (pool, server) = start(leaks(100, false)).await;
    sleep(millis(70)).await;
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let held = pool.acquire_with(Ask::new().tag("report")).await.unwrap();
            (held, line!() - 1, tokio::task::id())
        }
    });
    let (held, line, task) = task.await.unwrap();
    sleep(millis(99)).await;
    // Others come and go meanwhile, and are none.
    drop(pool.acquire().await.unwrap());
    assert_eq!((events.with(REPORTED).len(), pool.stats().leaks.unwrap().reported), (0, 0));
    sleep(millis(2)).await;
    let reports = events.with(REPORTED);
    assert_eq!(reports.len(), 1, "{reports:?}");
    let wanted = [
        format!("id={}", held.id()),
        format!("leaks.rs:{line}:"),
        String::from("tag=\"report\""),
        format!("task={task}"),
        String::from("held=100ms"),
    ];
    for wanted in wanted {
        assert!(reports[0].contains(&wanted), "no {wanted} in {}", reports[0]);
    }
    sleep(millis(1_000)).await;
    assert_eq!(events.with(REPORTED).len(), 1, "reported again");
    let leaks = pool.stats().leaks.unwrap();
    assert_eq!((leaks.reported, leaks.returned, leaks.out.len()), (1, 0, 1));
    assert_eq!((leaks.out[0].id, leaks.out[0].tag.as_deref()), (held.id(), Some("report")));
    assert_eq!(leaks.out[0].task, Some(task.to_string()));

    drop(held);
    let back = events.with(BACK);
    assert!(back.len() == 1 && back[0].contains("held=1.101s"), "{back:?}");
    let leaks = pool.stats().leaks.unwrap();
    assert_eq!((leaks.reported, leaks.returned, leaks.out.len()), (1, 1, 0));

    // The same connection, held again, is another hold.
    let _held = pool.acquire().await.unwrap();
    sleep(millis(101)).await;
    assert_eq!(pool.stats().leaks.unwrap().reported, 2);
    drop(_held);
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn each_is_reported_when_it_is_due_and_not_at_the_next_look() {
    let events = Events::listen();
    let (pool, _server) = start(leaks(100, false)).await;
    let _first = pool.acquire().await.unwrap();
    sleep(millis(40)).await;
    let _second = pool.acquire().await.unwrap();
    for (wait, reported) in [(59, 0), (2, 1), (38, 1), (2, 2)] {
        sleep(millis(wait)).await;
        assert_eq!(events.with(REPORTED).len(), reported, "{:?}", events.with(REPORTED));
    }
    assert!(events.with(REPORTED).iter().all(|report| report.contains("held=100ms")));
}

#[tokio::test(start_paused = true)]
async fn by_choice_the_report_shows_where_it_was_borrowed() {
    #[inline(never)]
    async fn borrow_and_forget(pool: &pool::Pool<common::Fake>) -> pool::Guard<common::Fake> {
        pool.acquire().await.unwrap()
    }

    for backtrace in [true, false] {
        let events = Events::listen();
        let (pool, _server) = start(leaks(100, backtrace)).await;
        let _held = borrow_and_forget(&pool).await;
        sleep(millis(101)).await;
        assert_eq!(events.with(REPORTED).len(), 1);
        // Frames have places whatever the debug information; names may be missing.
        let lines = events.with("tests/leaks.rs");
        let is_shown = lines.iter().any(|line| line.trim_start().starts_with("at "));
        assert_eq!(is_shown, backtrace, "{lines:?}");
    }
}

/// A borrower has let go of it, though it is still being cleaned, and is told to be back in the end.
#[tokio::test(start_paused = true)]
async fn one_that_is_reported_while_it_is_cleaned_does_not_stay_out() {
    let settings = Settings { clean_timeout: millis(500), ..leaks(100, false) };
    let (pool, server) = start(settings).await;
    server.clean_ms.store(FROZEN, std::sync::atomic::Ordering::SeqCst);
    let mut guard = pool.acquire().await.unwrap();
    guard.condition = pool::Condition::Dirty;
    sleep(millis(50)).await;
    drop(guard);
    sleep(millis(100)).await;
    assert_eq!(pool.stats().leaks.unwrap().out.len(), 1);
    sleep(millis(700)).await;
    let leaks = pool.stats().leaks.unwrap();
    assert_eq!((leaks.reported, leaks.returned, leaks.out.len()), (1, 1, 0));
}

/// It is back as soon as its borrower has let go of it, however long the cleaning takes.
#[tokio::test(start_paused = true)]
async fn one_that_is_back_is_not_reported_again_while_it_is_cleaned() {
    let events = Events::listen();
    let (pool, server) = start(leaks(100, false)).await;
    server.clean_ms.store(450, std::sync::atomic::Ordering::SeqCst);
    for turn in 1..=2 {
        let mut guard = pool.acquire().await.unwrap();
        guard.condition = pool::Condition::Dirty;
        sleep(millis(150)).await;
        drop(guard);
        for _ in 0..6 {
            sleep(millis(100)).await;
            let leaks = pool.stats().leaks.unwrap();
            assert_eq!((leaks.reported, leaks.returned, leaks.out.len()), (turn, turn, 0));
        }
    }
    assert_eq!((events.with(REPORTED).len(), events.with(BACK).len()), (2, 2));
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_pool_and_there_is_none_when_it_is_off() {
    let (pool, server) = start(leaks(100, false)).await;
    sleep(millis(250)).await;
    drop(pool);
    sleep(millis(150)).await;
    assert_eq!((Server::count(&server.open), Arc::strong_count(&server)), (0, 1));
    let (pool, _server) = start(settings(1, 1)).await;
    let _held = pool.acquire().await.unwrap();
    sleep(millis(10_000_000)).await;
    assert_eq!(pool.stats().leaks, None);
}

#[test]
fn a_threshold_of_nothing_is_named() {
    let error = leaks(0, false).validate().unwrap_err();
    assert_eq!(error.to_string(), "leaks.after: must be more than zero");
}
