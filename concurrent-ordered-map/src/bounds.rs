//! Whether a key lies within one end of a range.
//!
//! By `Ord::cmp`, as everywhere in this crate: a type's operators may disagree with it.

use std::ops::Bound;

/// True if the key lies above a lower bound.
#[inline]
pub(crate) fn above<Q: Ord + ?Sized>(key: &Q, from: Bound<&Q>) -> bool {
    match from {
        Bound::Unbounded => true,
        Bound::Included(bound) => key.cmp(bound).is_ge(),
        Bound::Excluded(bound) => key.cmp(bound).is_gt(),
    }
}

/// True if the key lies below an upper bound.
#[inline]
pub(crate) fn below<Q: Ord + ?Sized>(key: &Q, to: Bound<&Q>) -> bool {
    match to {
        Bound::Unbounded => true,
        Bound::Included(bound) => key.cmp(bound).is_le(),
        Bound::Excluded(bound) => key.cmp(bound).is_lt(),
    }
}
