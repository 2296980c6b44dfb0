#![no_main]

use fuzz::history::{Plan, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|plan: Plan| check(&plan));
