#![no_main]

use fuzz::config::{Plan, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|plan: Plan| check(&plan));
