//! Tags: who is counted under which name, and who is shown.

mod common;

use common::{assert_whole, millis, settings, start};
use pool::{Ask, Error, Settings, Tag, TagStats, Why};
use tokio::time::sleep;

fn of<'a>(stats: &'a pool::Stats, tag: &str) -> &'a TagStats {
    stats.tags.iter().find(|stats| stats.tag == tag).expect("it was used")
}

#[tokio::test(start_paused = true)]
async fn use_waiting_and_holding_are_counted_by_tag_and_nobody_pays_for_none() {
    let (pool, server) = start(settings(1, 1)).await;
    let held = pool.acquire_with(Ask::new().tag("report")).await.unwrap();
    assert_eq!(of(&pool.stats(), "report").in_use, 1);
    let waiter = tokio::spawn({
        let pool = pool.clone();
        async move {
            let _held =
                pool.acquire_with(Ask::new().tag(Tag::from(String::from("checkout")))).await;
            sleep(millis(5)).await;
        }
    });
    sleep(millis(30)).await;
    let stats = pool.stats();
    assert_eq!((of(&stats, "checkout").waiting, of(&stats, "checkout").wait.count), (1, 0));
    drop(held);
    waiter.await.unwrap();
    drop(pool.acquire().await.unwrap());

    let stats = pool.stats();
    assert_eq!(stats.tags.len(), 2, "an acquire without a tag has none: {:?}", stats.tags);
    let (checkout, report) = (of(&stats, "checkout"), of(&stats, "report"));
    assert_eq!((checkout.wait.count, checkout.wait.max_ns), (1, 30_000_000));
    assert_eq!((checkout.used.max_ns, checkout.waiting, checkout.in_use), (5_000_000, 0, 0));
    assert_eq!((report.wait.max_ns, report.used.max_ns), (0, 30_000_000));
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_the_tags_that_hold_the_connections() {
    let (pool, _server) = start(settings(2, 2)).await;
    let _first = pool.acquire_with(Ask::new().tag("report")).await.unwrap();
    let _second = pool.acquire().await.unwrap();
    let ask = Ask::new().tag("checkout").within(millis(20));
    let error = pool.acquire_with(ask).await.unwrap_err();
    let Error::Timeout { why: Why::Exhausted { holders, .. }, .. } = &error else {
        panic!("{error}")
    };
    let mut tags: Vec<_> = holders.iter().map(|holder| holder.tag.as_deref()).collect();
    tags.sort();
    assert_eq!(tags, [None, Some("report")]);
    assert!(error.to_string().contains("(report)"), "{error}");
    let stats = pool.stats();
    assert_eq!((of(&stats, "checkout").refused, of(&stats, "checkout").waiting), (1, 0));
    let shown = stats.connections.iter().find_map(|row| row.holder.as_ref()?.tag.as_deref());
    assert_eq!(shown, Some("report"));
}

/// However a borrower lets go of its connection, its tag holds it no more, and the time is counted once.
#[tokio::test(start_paused = true)]
async fn every_way_of_giving_back_ends_the_hold() {
    let (pool, server) = start(settings(1, 1)).await;
    let ask = || Ask::new().tag("all");
    drop(pool.acquire_with(ask()).await.unwrap());
    pool.acquire_with(ask()).await.unwrap().release().await.unwrap();
    pool.acquire_with(ask()).await.unwrap().close().await.unwrap();
    drop(pool.acquire_with(ask()).await.unwrap().detach());
    for condition in [pool::Condition::Dirty, pool::Condition::Spent] {
        let mut guard = pool.acquire_with(ask()).await.unwrap();
        guard.condition = condition;
    }
    // One who is cancelled while waiting, and one who is late, hold nothing.
    let held = pool.acquire_with(ask()).await.unwrap();
    assert!(tokio::time::timeout(millis(5), pool.acquire_with(ask())).await.is_err());
    assert!(pool.acquire_with(ask().within(millis(5))).await.is_err());
    drop(held);
    let stats = pool.stats();
    let all = of(&stats, "all");
    assert_eq!((all.wait.count, all.used.count, all.in_use, all.waiting), (7, 7, 0, 0));
    assert_eq!(all.refused, 1, "one who gives up was not refused");
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn beyond_the_maximum_tags_are_counted_together() {
    let (pool, _server) = start(Settings { max_tags: 2, ..settings(1, 1) }).await;
    for tag in ["first", "second", "third", "fourth", "first"] {
        drop(pool.acquire_with(Ask::new().tag(tag)).await.unwrap());
    }
    let _held = pool.acquire_with(Ask::new().tag("fifth")).await.unwrap();
    let stats = pool.stats();
    let counts: Vec<_> = stats
        .tags
        .iter()
        .map(|stats| (stats.tag.as_str(), stats.wait.count, stats.in_use))
        .collect();
    assert_eq!(counts, [("first", 2, 0), ("second", 1, 0), (Tag::OTHER, 3, 1)]);
}
