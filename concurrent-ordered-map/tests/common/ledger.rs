//! Instances that are counted, with a flag each: one that is lost shows, and one that is dropped twice.
//!
//! A ledger is a static and holds nothing but atomics, so that neither ThreadSanitizer nor LeakSanitizer
//! has anything to say about the tests' own bookkeeping.

use std::borrow::Borrow;
use std::cmp::Ordering as Order;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// How many instances a ledger has room for until it is closed.
const ROOM: usize = 1 << 20;

const ALIVE: u8 = 1;
const DROPPED: u8 = 2;

#[derive(Debug)]
pub(crate) struct Ledger {
    made: AtomicUsize,
    dropped: AtomicUsize,
    /// Drops of what was dropped before, or never made.
    wrong: AtomicUsize,
    flags: [AtomicU8; ROOM],
}

// Ordering: AcqRel on flags and counters, everywhere in this file. The counters add up at rest; what is
// read meanwhile is a bound.
impl Ledger {
    pub(crate) const fn new() -> Self {
        Self {
            made: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            wrong: AtomicUsize::new(0),
            flags: [const { AtomicU8::new(0) }; ROOM],
        }
    }

    pub(crate) fn token(&'static self) -> Token {
        let number = self.made.fetch_add(1, Ordering::AcqRel);
        let flag = self.flags.get(number).expect("the ledger has room for a round of the test");
        flag.store(ALIVE, Ordering::Release);
        Token { number, ledger: self }
    }

    pub(crate) fn is_alive(&self, number: usize) -> bool {
        self.flags[number].load(Ordering::Acquire) == ALIVE
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Acquire)
    }

    /// The instances that are alive. Not less than there were throughout the call.
    pub(crate) fn alive(&self) -> usize {
        let dropped = self.dropped.load(Ordering::Acquire);
        self.made.load(Ordering::Acquire) - dropped
    }

    /// Nothing was dropped that was not alive.
    pub(crate) fn check(&self) {
        assert_eq!(self.wrong.load(Ordering::Acquire), 0, "dropped twice");
    }

    /// Everything has been dropped, once, and the next round may begin.
    pub(crate) fn close(&self) {
        self.check();
        let made = self.made.swap(0, Ordering::AcqRel);
        let alive = (0..made).filter(|number| self.is_alive(*number)).count();
        assert_eq!(alive, 0, "of {made} instances these are still alive");
        assert_eq!(self.dropped.swap(0, Ordering::AcqRel), made);
    }
}

/// One instance.
#[derive(Debug)]
pub(crate) struct Token {
    number: usize,
    ledger: &'static Ledger,
}

impl Token {
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Not dropped yet, as far as its ledger knows.
    pub(crate) fn is_alive(&self) -> bool {
        self.ledger.is_alive(self.number)
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        assert!(self.is_alive(), "cloned after its end");
        self.ledger.token()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // No panics here: the map would contain them.
        let flag = self.ledger.flags.get(self.number);
        if flag.is_some_and(|flag| flag.swap(DROPPED, Ordering::AcqRel) == ALIVE) {
            self.ledger.dropped.fetch_add(1, Ordering::AcqRel);
        } else {
            self.ledger.wrong.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// A number whose instances are counted, as a key or a value. Compared by the number.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) n: u32,
    pub(crate) token: Token,
}

impl Counted {
    pub(crate) fn new(n: u32, ledger: &'static Ledger) -> Self {
        Self { n, token: ledger.token() }
    }
}

impl Borrow<u32> for Counted {
    fn borrow(&self) -> &u32 {
        &self.n
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.n == other.n
    }
}

impl Eq for Counted {}

impl PartialOrd for Counted {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Counted {
    fn cmp(&self, other: &Self) -> Order {
        self.n.cmp(&other.n)
    }
}
