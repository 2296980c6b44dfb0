#![no_main]

use fuzz::map::{Plan, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|plan: Plan| check(&plan));
