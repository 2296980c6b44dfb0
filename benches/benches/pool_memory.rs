//! What do the pools allocate when a connection is idle, and how large is one who waits?

use std::alloc::System;
use std::time::Duration;

use benches::pools::questions::{Allocated, Env};
use benches::pools::table::table;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocated() -> Allocated {
    let stats = COUNTING.stats();
    let signed = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
    Allocated {
        times: stats.allocations + stats.reallocations,
        bytes: signed(stats.bytes_allocated) - signed(stats.bytes_deallocated),
    }
}

fn main() {
    let env = Env { postgres: None, time: Duration::ZERO, allocated: Some(allocated) };
    println!("{}", table(&env, 1, |row| row.starts_with("memory-")));
}
