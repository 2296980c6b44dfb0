//! A histogram of durations: fixed buckets, exact count, sum and maximum.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU64, Count};

/// Four buckets for each doubling, so a bucket's bounds are at most a quarter apart.
const BUCKETS: usize = 252;

/// Counts durations from a nanosecond to centuries in two kilobytes, without allocating when it records.
#[derive(Clone)]
pub(crate) struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    count: u64,
    total_ns: u64,
    max_ns: u64,
}

/// What a histogram says. Quantiles are the upper bounds of their buckets, so at most a quarter too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Times {
    /// How many were recorded.
    pub count: u64,
    /// Their sum, in nanoseconds.
    pub total_ns: u64,
    /// Half of them were at most this long, in nanoseconds.
    pub p50_ns: u64,
    /// 99 of 100 were at most this long, in nanoseconds.
    pub p99_ns: u64,
    /// The longest, in nanoseconds, exactly.
    pub max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), count: 0, total_ns: 0, max_ns: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = nanos(duration);
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(nanos);
        self.max_ns = self.max_ns.max(nanos);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The shortest bucket bound that `permille` of what was recorded do not exceed.
    fn quantile(&self, permille: u64) -> u64 {
        let rank = (self.count * permille).div_ceil(1000);
        let mut seen = 0;
        let at = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank.max(1)
        });
        at.map_or(0, upper_bound).min(self.max_ns)
    }

    pub(crate) fn times(&self) -> Times {
        Times {
            count: self.count,
            total_ns: self.total_ns,
            p50_ns: self.quantile(500),
            p99_ns: self.quantile(990),
            max_ns: self.max_ns,
        }
    }
}

/// A histogram that anybody may read while one records. Who records next has learnt from the last that it is
/// its turn: so each addition is a load and a store.
pub(crate) struct Recorder {
    buckets: [Count; BUCKETS],
    /// Loom's, so that its models see whether two record at once.
    total_ns: AtomicU64,
    max_ns: Count,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            buckets: [const { Count::new(0) }; BUCKETS],
            total_ns: AtomicU64::new(0),
            max_ns: Count::new(0),
        }
    }
}

impl Recorder {
    #[inline]
    pub(crate) fn record(&self, duration: Duration) {
        // Ordering: Relaxed throughout. Whatever orders those who record orders these, too; a reader needs none.
        let nanos = nanos(duration);
        let bucket = &self.buckets[bucket(nanos)];
        bucket.store(bucket.load(Relaxed) + 1, Relaxed);
        self.total_ns.store(self.total_ns.load(Relaxed).saturating_add(nanos), Relaxed);
        if nanos > self.max_ns.load(Relaxed) {
            self.max_ns.store(nanos, Relaxed);
        }
    }

    /// Adds what was recorded. The count is that of the buckets, whatever is recorded meanwhile.
    pub(crate) fn add_to(&self, sum: &mut Histogram) {
        for (own, bucket) in self.buckets.iter().zip(sum.buckets.iter_mut()) {
            let count = own.load(Relaxed);
            *bucket += count;
            sum.count += count;
        }
        sum.total_ns = sum.total_ns.saturating_add(self.total_ns.load(Relaxed));
        sum.max_ns = sum.max_ns.max(self.max_ns.load(Relaxed));
    }
}

/// A recorder into which several may record at once.
#[derive(Default)]
pub(crate) struct SharedRecorder(Recorder);

impl SharedRecorder {
    pub(crate) fn record(&self, duration: Duration) {
        // Ordering: Relaxed throughout; a reader needs no order.
        let nanos = nanos(duration);
        self.0.buckets[bucket(nanos)].fetch_add(1, Relaxed);
        self.0.total_ns.fetch_add(nanos, Relaxed);
        self.0.max_ns.fetch_max(nanos, Relaxed);
    }

    pub(crate) fn times(&self) -> Times {
        let mut sum = Histogram::default();
        self.0.add_to(&mut sum);
        sum.times()
    }
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.times().fmt(f)
    }
}

#[inline]
fn nanos(duration: Duration) -> u64 {
    // Not `as_nanos`, which takes 128 bits: this is on the way of every acquire.
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(duration.subsec_nanos()))
}

/// The position of the highest bit, and the two bits below it.
#[inline]
fn bucket(nanos: u64) -> usize {
    let Some(top) = nanos.checked_ilog2().filter(|top| *top >= 2) else {
        return usize::try_from(nanos).unwrap_or(0);
    };
    let below = (nanos >> (top - 2)) & 3;
    usize::try_from(u64::from(top - 1) * 4 + below).unwrap_or(BUCKETS - 1)
}

/// The longest that falls into a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
    if bucket < 4 {
        return u64::from(bucket);
    }
    let shift = bucket / 4 - 1;
    let first = u64::from(4 + bucket % 4) << shift;
    first + ((1_u64 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BUCKETS, Histogram, bucket, upper_bound};

    #[test]
    fn buckets_are_in_order_and_end_at_their_bounds() {
        for at in 0..BUCKETS {
            let bound = upper_bound(at);
            assert_eq!(bucket(bound), at);
            if at + 1 < BUCKETS {
                assert_eq!(bucket(bound + 1), at + 1);
            }
        }
        assert_eq!(upper_bound(BUCKETS - 1), u64::MAX);
    }

    #[test]
    fn quantiles_are_at_most_a_quarter_too_long() {
        let mut histogram = Histogram::default();
        for millis in 1..=1000 {
            histogram.record(Duration::from_millis(millis));
        }
        let times = histogram.times();
        assert_eq!((times.count, times.max_ns), (1000, 1_000_000_000));
        assert!((500_000_000..=625_000_000).contains(&times.p50_ns), "{times:?}");
        assert!((990_000_000..=1_000_000_000).contains(&times.p99_ns), "{times:?}");
    }
}
