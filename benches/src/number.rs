//! Counts as floats, and what is read off a list of them.

use std::time::Duration;

/// A count as a float, exactly: nothing here counts beyond 32 bits, and what does is cut there.
#[must_use]
pub fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A float as a count: cut, and none if it is negative.
#[must_use]
pub fn count(float: f64) -> usize {
    // No cast: what does not fit is said by the type, and cut there.
    let whole = Duration::try_from_secs_f64(float.max(0.0)).unwrap_or(Duration::MAX).as_secs();
    usize::try_from(whole).unwrap_or(usize::MAX)
}

/// A time in nanoseconds.
#[must_use]
pub fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// The value that `share` thousandths of `values` do not exceed.
///
/// # Panics
///
/// If there are no values.
#[must_use]
pub fn quantile(values: &mut [f64], share: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[(values.len() * share / 1_000).min(values.len() - 1)]
}

/// The middle one; of an even number, the mean of the two in the middle.
///
/// # Panics
///
/// If there are no values.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_cut_to_counts() {
        assert_eq!((count(7.9), count(-1.0), count(f64::NAN), count(0.0)), (7, 0, 0, 0));
        assert_eq!(count(f64::INFINITY), usize::try_from(u64::MAX).unwrap());
    }

    #[test]
    fn medians_and_quantiles() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        let mut thousand: Vec<f64> = (0..1_000).map(float).collect();
        assert_eq!(quantile(&mut thousand, 999), 999.0);
        assert_eq!(quantile(&mut thousand, 500), 500.0);
        assert_eq!(quantile(&mut [7.0], 999), 7.0);
    }
}
