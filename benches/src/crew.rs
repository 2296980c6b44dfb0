//! Threads that start together, each with a session of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::subject::{Session, Subject};

/// How many calls lie between two breaths of a session.
const BREATH: usize = 64;

/// Does `work` on each of `inputs`, a thread each, and answers the time from when the first began to when
/// the last ended, with what each thread answered. Sessions and inputs are there before the clock starts.
///
/// # Panics
///
/// If a thread does.
pub fn race<K, V, S, I, T>(
    map: &S,
    inputs: Vec<I>,
    work: impl Fn(&mut S::Session<'_>, I) -> T + Sync,
) -> (Duration, Vec<T>)
where
    S: Subject<K, V>,
    I: Send,
    T: Send,
{
    let (crew, ready, work) = (inputs.len(), &AtomicUsize::new(0), &work);
    let run = |input| {
        let mut session = map.session();
        // A barrier would wake one thread long before the other.
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < crew {
            std::thread::yield_now();
        }
        let begin = Instant::now();
        let answer = work(&mut session, input);
        (begin, Instant::now(), answer)
    };
    let run = &run;
    let done: Vec<_> = std::thread::scope(|scope| {
        let crew: Vec<_> =
            inputs.into_iter().map(|input| scope.spawn(move || run(input))).collect();
        crew.into_iter().map(|thread| thread.join().expect("a thread of the race")).collect()
    });
    let begin = done.iter().map(|(begin, ..)| *begin).min().expect("a race has threads");
    let end = done.iter().map(|(_, end, _)| *end).max().expect("a race has threads");
    (end - begin, done.into_iter().map(|(.., answer)| answer).collect())
}

/// Does `step` with each item, and lets the session breathe now and then.
#[inline]
pub fn drive<K, V, S: Session<K, V>, I>(
    session: &mut S,
    items: impl IntoIterator<Item = I>,
    mut step: impl FnMut(&mut S, I),
) {
    for (n, item) in items.into_iter().enumerate() {
        if n % BREATH == BREATH - 1 {
            session.breathe();
        }
        step(session, item);
    }
}

/// Does `work` in a session on this thread.
pub fn alone<K, V, S: Subject<K, V>, T>(map: &S, work: impl FnOnce(&mut S::Session<'_>) -> T) -> T {
    work(&mut map.session())
}
