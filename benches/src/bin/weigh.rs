//! Prints how many bytes one subject holds: `weigh SUBJECT MOMENT ENTRIES`. Run by `compare`.

use std::alloc::System;
use std::process::ExitCode;

use benches::subject::Subject;
use benches::subjects::{self, Visitor};
use benches::weight::{Moment, weigh};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// What to weigh, and what it weighs.
struct Scales {
    subject: String,
    moment: Moment,
    entries: usize,
    bytes: Option<usize>,
}

impl Visitor<u64, u64> for Scales {
    fn visit<S: Subject<u64, u64>>(&mut self) {
        if S::NAME == self.subject {
            self.bytes = Some(weigh::<S>(self.moment, self.entries, live));
        }
    }
}

fn scales() -> Result<Scales, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [subject, moment, entries] = &arguments[..] else {
        return Err("usage: weigh SUBJECT MOMENT ENTRIES".into());
    };
    let entries = entries.parse().map_err(|error| format!("{entries}: {error}"))?;
    Ok(Scales { subject: subject.clone(), moment: moment.parse()?, entries, bytes: None })
}

fn main() -> ExitCode {
    let answer = scales().and_then(|mut scales| {
        subjects::general(&mut scales);
        scales.bytes.ok_or_else(|| format!("no subject '{}'", scales.subject))
    });
    match answer {
        Ok(bytes) => {
            println!("{bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("weigh: {error}");
            ExitCode::from(2)
        }
    }
}
