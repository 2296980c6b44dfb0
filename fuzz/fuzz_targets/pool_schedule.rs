#![no_main]

use fuzz::schedule::{Plan, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|plan: Plan| check(&plan));
