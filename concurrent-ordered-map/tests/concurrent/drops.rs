//! Each key and value is dropped exactly once, and garbage is bounded.

use std::sync::atomic::{AtomicUsize, Ordering};

use concurrent_ordered_map::{Compute, ConcurrentOrderedMap, Pinned};

use crate::common::crew::{Foreground, Meeting, crew};
use crate::common::ledger::{Counted, Ledger};
use crate::common::{SHAPES, alone, collect_until, map_of, push_out_until, scaled};
use linearizability::rng::Rng;

static KEYS: Ledger = Ledger::new();
static VALUES: Ledger = Ledger::new();

type Map = ConcurrentOrderedMap<Counted, Counted>;

const THREADS: usize = 3;

fn key(n: u32) -> Counted {
    Counted::new(n, &KEYS)
}

fn value(n: u32) -> Counted {
    Counted::new(n, &VALUES)
}

/// One of all the calls that make, move or drop keys and values.
fn any_call(session: &Pinned<'_, Counted, Counted>, rng: &mut Rng) {
    let n = rng.below(60);
    match rng.below(40) {
        0..=9 => _ = session.insert(key(n), value(n)),
        10..=11 => _ = session.try_insert(key(n), value(n)),
        12..=13 => _ = session.get_or_insert_with(key(n), || value(n)),
        14 => _ = session.get_or_insert(key(n), value(n)),
        15..=16 => _ = session.update(key(n), |old| value(old.n)),
        17..=18 => _ = session.upsert(key(n), value(n), |old| value(old.n)),
        19 => _ = session.upsert_with(key(n), || value(n), |old| value(old.n)),
        20 => _ = session.try_update(key(n), |_| if n < 30 { Ok(value(n)) } else { Err(()) }),
        21..=22 => {
            _ = session.compute(key(n), |old| match old {
                None => Compute::Insert(value(n)),
                Some(_) if n < 20 => Compute::Remove,
                Some(_) if n < 40 => Compute::Insert(value(n)),
                Some(old) => Compute::Abort(old.token.is_alive()),
            });
        }
        23 => _ = session.compare_exchange(key(n), Some(&value(n)), Some(value(n))),
        24 => _ = session.compare_exchange(key(n), None, Some(value(n))),
        25 => _ = session.compare_exchange(key(n), Some(&value(n)), None),
        26..=29 => _ = session.remove(&n),
        30..=32 => _ = session.remove_entry(&key(n)),
        33 => _ = session.remove_if(&n, |_, old| old.n.is_multiple_of(2)),
        34..=35 => _ = session.pop_first(),
        36..=37 => _ = session.pop_last(),
        38 => _ = session.remove_range::<u32, _>(n..n + 5),
        _ if n == 0 => session.clear(),
        _ if n < 10 => session.retain(|key, _| !key.n.is_multiple_of(7)),
        _ => session.extend((n..n + 5).map(|n| (key(n), value(n)))),
    }
}

fn work(map: &Map, calls: u32, rng: &mut Rng) {
    let mut session = map.pin();
    for _ in 0..calls {
        any_call(&session, rng);
        if rng.below(8) == 0 {
            session.repin();
        }
    }
}

/// The flags' numbers of all that the map holds.
fn held(map: &Map) -> Vec<(usize, usize)> {
    let session = map.pin();
    let numbers = session.iter().map(|(key, value)| (key.token.number(), value.token.number()));
    numbers.collect()
}

/// Nothing that was in the map is alive, right after the map's end.
fn all_dropped(held: &[(usize, usize)]) -> bool {
    held.iter().all(|(key, value)| !KEYS.is_alive(*key) && !VALUES.is_alive(*value))
}

fn close() {
    push_out_until("all garbage has been dropped", || KEYS.alive() == 0 && VALUES.alive() == 0);
    KEYS.close();
    VALUES.close();
}

#[test]
fn at_rest_the_map_keeps_what_it_holds_and_drops_it_with_itself() {
    let _alone = alone();
    for shape in SHAPES {
        for round in 0..scaled(10) {
            let map = map_of(shape);
            crew(THREADS, |me| {
                let mut rng = Rng::stream(u64::from(round), u64::try_from(me).unwrap());
                work(&map, 1_500, &mut rng);
            });
            let held = held(&map);
            assert_eq!(map.len(), held.len(), "len at rest");
            collect_until(&map, "only the values in the map are alive", || {
                VALUES.alive() == held.len()
            });
            assert!(KEYS.alive() >= held.len());
            drop(map);
            assert_eq!(VALUES.alive(), 0, "values that are alive right after the map's end");
            assert!(all_dropped(&held));
            // Keys that served blocks which were replaced go with those.
            close();
        }
    }
}

/// Keys that were removed serve on as boundaries between blocks, and do not pile up.
#[test]
fn keys_that_are_kept_as_boundaries_do_not_pile_up() {
    let _alone = alone();
    for shape in SHAPES {
        let map = map_of(shape);
        let mut rng = Rng::new(11);
        for step in 1..=4 {
            for _ in 0..scaled(8_000) {
                let n = rng.below(60);
                if rng.below(2) == 0 {
                    map.set(key(n), value(n));
                } else {
                    map.delete(&n);
                }
            }
            collect_until(&map, "the values that were removed are dropped", || {
                VALUES.alive() == map.len()
            });
            map.collect();
            let (keys, entries) = (KEYS.alive(), map.len());
            println!("{shape:?}, step {step}: {keys} keys for {entries} entries");
            assert!(keys <= 3 * entries + 1, "{shape:?}: {keys} keys for {entries} entries");
        }
        drop(map);
        close();
    }
}

#[test]
fn a_map_that_is_dropped_before_its_garbage_drops_what_it_holds_at_once() {
    let _alone = alone();
    for shape in SHAPES {
        for round in 0..scaled(10) {
            let map = map_of(shape);
            crew(THREADS, |me| {
                let mut rng = Rng::stream(u64::from(round), u64::try_from(me).unwrap());
                work(&map, 500, &mut rng);
            });
            let held = held(&map);
            drop(map);
            assert!(all_dropped(&held));
            close();
        }
    }
}

/// Keys that were boundaries when the map was taken apart are moved out once, and not dropped with it.
#[test]
fn what_is_taken_out_of_a_map_is_dropped_by_its_new_owner() {
    let _alone = alone();
    for shape in SHAPES {
        for taken in [0_u32, 1, 7, 60] {
            let map = map_of(shape);
            crew(THREADS, |me| {
                let mut rng = Rng::stream(u64::from(taken), u64::try_from(me).unwrap());
                work(&map, 500, &mut rng);
            });
            map.extend((0..60).step_by(7).map(|n| (key(n), value(n))));
            let held = held(&map);
            let mut entries = map.into_iter();
            assert_eq!(entries.len(), held.len());
            let mut kept: Vec<_> = entries.by_ref().take(taken as usize).collect();
            kept.extend(entries.next_back());
            assert!(kept.is_sorted_by(|(one, _), (other, _)| one.n < other.n));
            drop(entries);
            let alive = held.iter().filter(|(key, value)| {
                assert_eq!(KEYS.is_alive(*key), VALUES.is_alive(*value));
                KEYS.is_alive(*key)
            });
            assert_eq!(alive.count(), kept.len());
            drop(kept);
            assert!(all_dropped(&held));
            close();
        }
    }
}

/// The threads keep their garbage to themselves: they are alive, and in a session of another map, when
/// the map is dropped.
#[test]
fn a_map_can_be_dropped_while_threads_that_used_it_hold_its_garbage() {
    let _alone = alone();
    for round in 0..scaled(40) {
        let shape = SHAPES[usize::try_from(round).unwrap() % SHAPES.len()];
        let map = std::sync::Arc::new(map_of(shape));
        let other: ConcurrentOrderedMap<u32, u32> = ConcurrentOrderedMap::new();
        let (used, dropped) = (Meeting::of(THREADS + 1), Meeting::of(THREADS + 1));
        // The main thread is the last number, and drops the map last, so all is ordered by `used`.
        let maps: Vec<_> = (0..=THREADS).map(|_| Some(std::sync::Arc::clone(&map))).collect();
        drop(map);
        let maps = std::sync::Mutex::new(maps);
        crew(THREADS + 1, |me| {
            let map: std::sync::Arc<Map> = maps.lock().unwrap()[me].take().unwrap();
            let mut rng = Rng::stream(u64::from(round), u64::try_from(me).unwrap());
            work(&map, 300, &mut rng);
            if me < THREADS {
                drop(map);
                let session = other.pin();
                used.wait();
                dropped.wait();
                assert!(session.is_empty());
                return;
            }
            used.wait();
            let held = held(&map);
            assert_eq!(held.len(), map.len());
            drop(std::sync::Arc::into_inner(map).expect("the others have let go"));
            assert!(all_dropped(&held));
            dropped.wait();
        });
        close();
    }
}

/// `collect` frees what its own thread has retired. So with each of the threads collecting after every
/// `BATCH` values at the latest, the garbage is never more than a batch each, and the bag of 64 that each
/// may be dropping at this moment.
#[test]
fn garbage_is_bounded_by_collecting_while_others_work() {
    const BATCH: u32 = 500;
    const BAG: usize = 64;
    let _alone = alone();
    for shape in SHAPES {
        let map: Map = map_of(shape);
        map.extend((0..100).map(|n| (key(n), value(n))));
        let retired = AtomicUsize::new(0);
        let most = crew(THREADS, |me| {
            let mut rng = Rng::stream(4, u64::try_from(me).unwrap());
            let mut most = 0;
            for _ in 0..scaled(30) {
                for _ in 0..BATCH {
                    let n = rng.below(100);
                    map.set(key(n), value(n));
                }
                most = most.max(VALUES.alive());
                // Others' sessions are short, so it gets there.
                crate::common::eventually("collect gets there", || map.collect());
                // Ordering: Relaxed; only for the report.
                retired.fetch_add(usize::try_from(BATCH).unwrap(), Ordering::Relaxed);
            }
            most
        });
        let most = most.into_iter().max().unwrap();
        let retired = retired.into_inner();
        // One more value each is on its way into the map.
        let bound = 100 + THREADS * (usize::try_from(BATCH).unwrap() + BAG + 1);
        println!("{shape:?}: {retired} values replaced, at most {most} alive, allowed {bound}");
        assert!(most <= bound, "{most} values alive");
        collect_until(&map, "nothing is left but the map's", || VALUES.alive() == 100);
        drop(map);
        close();
    }
}

/// However many values a session replaces, its end and `repin` free as many of those before it.
#[test]
fn garbage_is_freed_by_sessions_of_many_calls() {
    const CALLS: u32 = 1_000;
    let _alone = alone();
    for anew in [true, false] {
        let map: Map = map_of(None);
        let mut session = map.pin();
        let mut most = 0;
        for _ in 0..scaled(200).max(50) {
            for n in 0..CALLS {
                session.insert(key(n % 100), value(n));
            }
            if anew {
                drop(session);
                session = map.pin();
            } else {
                session.repin();
            }
            most = most.max(VALUES.alive());
        }
        drop(session);
        println!("anew: {anew}: {} values made, at most {most} alive", VALUES.made());
        assert!(most < 10 * CALLS as usize, "{most} values alive");
        drop(map);
        close();
    }
}

/// Without a call of `collect`: threads that keep using the map free as they go. How far garbage piles up
/// meanwhile depends on how long threads lose their cores in sessions; but a thread that works on frees four
/// times as fast as it retires, so after as many calls as there were values alive, all but the last 2,000
/// have gone.
#[test]
fn garbage_is_freed_by_threads_that_keep_working() {
    let _alone = alone();
    let map: Map = map_of(None);
    map.extend((0..100).map(|n| (key(n), value(n))));
    let each = scaled(60_000).min(200_000);
    let working = Foreground::of(THREADS);
    let replace = |rng: &mut Rng| {
        let n = rng.below(100);
        map.set(key(n), value(n));
    };
    let most = crew(THREADS + 1, |me| {
        if me < THREADS {
            let _working = working.enter();
            let mut rng = Rng::stream(5, u64::try_from(me).unwrap());
            for _ in 0..each {
                replace(&mut rng);
            }
            return 0;
        }
        let mut most = 0;
        while working.is_busy() {
            most = most.max(VALUES.alive());
            std::thread::yield_now();
        }
        most
    });
    let (left, made) = (VALUES.alive(), VALUES.made());
    println!("{made} values made, at most {} alive, {left} at the end", most[THREADS]);
    let mut rng = Rng::new(5);
    for _ in 0..left.max(1_000) {
        replace(&mut rng);
    }
    assert!(VALUES.alive() < 2_000, "{} values are still alive", VALUES.alive());
    drop(map);
    close();
}
