//! Tags: what connections are used for, and the accounts that are kept by tag.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use concurrent_ordered_map::ConcurrentOrderedMap;
use serde::{Deserialize, Serialize};

#[cfg(feature = "rate-limit")]
use super::limits::{LimitStats, Limiter, NarrowLimits};
use crate::histogram::{SharedRecorder, Times};
use crate::settings::Settings;
use crate::sync::{Count, Mutex, Ordering};

/// What a connection is used for: a feature, a user, a kind of transaction.
///
/// Made from a text that lives as long as the process without allocating. One that is made at run time
/// allocates once; its clones do not.
///
/// ```
/// use pool::{Ask, Tag};
///
/// let report = Ask::new().tag("report");
/// let user = Tag::from(format!("user {}", 7));
/// let (first, second) = (Ask::new().tag(user.clone()), Ask::new().tag(user));
/// # drop((report, first, second));
/// ```
#[derive(Clone)]
pub struct Tag(Text);

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Tag {
    /// The name under which all are counted who come with a new tag when there are
    /// [`Settings::max_tags`](crate::Settings::max_tags) already.
    pub const OTHER: &'static str = "(other)";

    /// Its text.
    pub fn name(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            Text::Shared(text) => text,
        }
    }
}

impl From<&'static str> for Tag {
    fn from(text: &'static str) -> Self {
        Self(Text::Static(text))
    }
}

impl From<Arc<str>> for Tag {
    fn from(text: Arc<str>) -> Self {
        Self(Text::Shared(text))
    }
}

impl From<String> for Tag {
    fn from(text: String) -> Self {
        Self(Text::Shared(text.into()))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.name(), f)
    }
}

/// What was counted under one tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TagStats {
    /// The tag.
    pub tag: String,
    /// How many connections it holds now.
    pub in_use: usize,
    /// How many of its callers wait.
    pub waiting: u64,
    /// How many callers got no connection, for whatever reason.
    pub refused: u64,
    /// How many callers dropped their future while they waited.
    pub given_up: u64,
    /// How long its callers waited who got a connection; `count` says how many did.
    pub wait: Times,
    /// How long it held the connections that it gave back.
    pub used: Times,
}

/// What is counted under one tag. Written by all who come with it, without a lock.
pub(crate) struct Account {
    pub(crate) name: Arc<str>,
    waiting: Count,
    refused: Count,
    given_up: Count,
    wait: SharedRecorder,
    used: SharedRecorder,
    #[cfg(feature = "rate-limit")]
    pub(super) limiter: Option<Limiter>,
}

impl Account {
    fn new(name: &str, #[cfg(feature = "rate-limit")] limits: &NarrowLimits) -> Arc<Self> {
        let name: Arc<str> = name.into();
        Arc::new(Self {
            #[cfg(feature = "rate-limit")]
            limiter: limits.of_tag(&name),
            name,
            waiting: Count::new(0),
            refused: Count::new(0),
            given_up: Count::new(0),
            wait: SharedRecorder::default(),
            used: SharedRecorder::default(),
        })
    }

    // Ordering: Relaxed throughout; reports alone read these.
    pub(crate) fn waits(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn waits_no_more(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// One that waited has left.
    pub(crate) fn gave_up(&self) {
        self.waits_no_more();
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn served(&self, waited: Duration) {
        self.wait.record(waited);
    }

    pub(crate) fn gave_back(&self, held: Duration) {
        self.used.record(held);
    }

    fn stats(&self, in_use: usize) -> TagStats {
        TagStats {
            tag: String::from(&*self.name),
            in_use,
            waiting: self.waiting.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
            wait: self.wait.times(),
            used: self.used.times(),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Account").field(&self.name).finish()
    }
}

/// The accounts by tag. They stay as long as the pool, so there is a most.
pub(crate) struct Tags {
    accounts: ConcurrentOrderedMap<Arc<str>, Arc<Account>>,
    /// All that came too late for an account of their own. Not in the map before somebody did.
    other: Arc<Account>,
    max: usize,
    /// Held by whoever opens an account, so that there are never more than `max`.
    opening: Mutex<()>,
    #[cfg(feature = "rate-limit")]
    limits: NarrowLimits,
}

impl Tags {
    pub(crate) fn new(settings: &Settings) -> Self {
        #[cfg(feature = "rate-limit")]
        let limits = NarrowLimits::new(&settings.rate_limits);
        let tags = Self {
            accounts: ConcurrentOrderedMap::new(),
            other: Account::new(
                Tag::OTHER,
                #[cfg(feature = "rate-limit")]
                &limits,
            ),
            max: settings.max_tags,
            opening: Mutex::new(()),
            #[cfg(feature = "rate-limit")]
            limits,
        };
        // Before others can take their places.
        #[cfg(feature = "rate-limit")]
        tags.limits.named_tags().for_each(|tag| drop(tags.open(tag)));
        tags
    }

    /// The account of a tag. O(log *tags*); allocates for the first of each tag only.
    pub(crate) fn account(&self, tag: &Tag) -> Arc<Account> {
        self.accounts.get(tag.name()).unwrap_or_else(|| self.open(tag.name()))
    }

    #[cold]
    fn open(&self, name: &str) -> Arc<Account> {
        // Not under the lock: when all accounts are taken, this is the way of every call with another tag.
        if self.accounts.len() >= self.max {
            return Arc::clone(&self.other);
        }
        let _opening = self.opening.lock();
        if let Some(account) = self.accounts.get(name) {
            return account;
        }
        if self.accounts.len() >= self.max {
            return Arc::clone(&self.other);
        }
        let account = Account::new(
            name,
            #[cfg(feature = "rate-limit")]
            &self.limits,
        );
        self.accounts.set(Arc::clone(&account.name), Arc::clone(&account));
        account
    }

    /// By name, with the number of connections that `in_use` says; the common one last, if there is one.
    pub(crate) fn stats(&self, in_use: impl Fn(&str) -> usize) -> Vec<TagStats> {
        let stats = |account: &Account| account.stats(in_use(&account.name));
        let mut all: Vec<_> = self.accounts.iter().map(|(_, account)| stats(&account)).collect();
        let other = stats(&self.other);
        if other.wait.count + other.refused + other.given_up + other.waiting > 0 {
            all.push(other);
        }
        all
    }

    /// What the rate limits of tags have done.
    #[cfg(feature = "rate-limit")]
    pub(crate) fn limits(&self) -> Vec<LimitStats> {
        let accounts = self.accounts.iter().map(|(_, account)| account);
        let all = accounts.chain([Arc::clone(&self.other)]);
        all.filter_map(|account| Some(account.limiter.as_ref()?.stats())).collect()
    }
}

#[cfg(all(test, not(pool_loom)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Tag, Tags};
    use crate::settings::Settings;

    #[test]
    fn no_more_accounts_are_opened_than_there_may_be() {
        let tags = Arc::new(Tags::new(&Settings { max_tags: 3, ..Default::default() }));
        let openers: Vec<_> = (0..4)
            .map(|_| {
                let tags = Arc::clone(&tags);
                std::thread::spawn(move || {
                    for tag in 0..50 {
                        tags.account(&Tag::from(format!("tag {tag}"))).served(Duration::ZERO);
                    }
                })
            })
            .collect();
        openers.into_iter().for_each(|opener| opener.join().unwrap());
        let stats = tags.stats(|_| 0);
        let counts: Vec<_> =
            stats.iter().map(|stats| (stats.tag.as_str(), stats.wait.count)).collect();
        assert_eq!(counts, [("tag 0", 4), ("tag 1", 4), ("tag 2", 4), (Tag::OTHER, 4 * 47)]);
    }
}
