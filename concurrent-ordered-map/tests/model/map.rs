//! The map against `BTreeMap`, with random calls.

use proptest::prelude::*;
use proptest::sample::select;

use super::against::agrees;
use super::plan::{calls, config};
use crate::common::keys::Opaque;
use crate::common::{SHAPES, map_of};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn numbers_agree(shape in select(&SHAPES[..]), calls in calls()) {
        agrees::<u64>(&map_of(shape), &calls);
    }

    #[test]
    fn strings_with_one_beginning_agree(shape in select(&SHAPES[..]), calls in calls()) {
        agrees::<String>(&map_of(shape), &calls);
    }

    #[test]
    fn keys_without_hints_agree(shape in select(&SHAPES[..]), calls in calls()) {
        agrees::<Opaque>(&map_of(shape), &calls);
    }

    #[test]
    fn few_keys_agree(shape in select(&SHAPES[..]), calls in calls()) {
        agrees::<u8>(&map_of(shape), &calls);
    }

    #[test]
    fn the_only_key_of_no_size_agrees(shape in select(&SHAPES[..]), calls in calls()) {
        agrees::<()>(&map_of(shape), &calls);
    }
}
