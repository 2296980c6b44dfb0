//! Key types of different kinds, made of numbers and in their order.

use std::fmt::Debug;

pub(crate) trait Key: Ord + Clone + Debug + Send + Sync + 'static {
    fn of(number: u32) -> Self;
}

/// Decided by its hint alone.
impl Key for u64 {
    fn of(number: u32) -> Self {
        u64::from(number)
    }
}

/// Few keys: many numbers make the same one.
impl Key for u8 {
    fn of(number: u32) -> Self {
        number.to_le_bytes()[0] % 6
    }
}

/// Hints tie: the first eight bytes are the same.
impl Key for String {
    fn of(number: u32) -> Self {
        format!("the same long beginning for all {number:08}")
    }
}

/// One key only.
impl Key for () {
    fn of(_number: u32) -> Self {}
}

/// A type that the map has no hints for, on the heap, so that a use after free can be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Opaque(Box<u32>);

impl Key for Opaque {
    fn of(number: u32) -> Self {
        Self(Box::new(number))
    }
}
