//! Bytes that a map holds, measured by `weigh` in a process of its own for each figure: its allocator counts
//! every allocation, which would slow the timed rows, and nothing that ran before can have left garbage.

use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

use crate::crew;
use crate::keys::{self, Entries};
use crate::number::float;
use crate::subject::{Session, Subject};
use crate::workload::{Outcome, Trial, Workload};

/// When the map is weighed.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// Full, filled in shuffled order.
    Shuffled,
    /// Full, filled in ascending order.
    Ascending,
    /// After every entry was removed.
    Removed,
    /// After the full map was dropped.
    Dropped,
}

impl Moment {
    /// The name that `weigh` knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shuffled => "shuffled",
            Self::Ascending => "ascending",
            Self::Removed => "removed",
            Self::Dropped => "dropped",
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Shuffled, Self::Ascending, Self::Removed, Self::Dropped];
        let found = all.into_iter().find(|moment| moment.name() == name);
        found.ok_or_else(|| format!("no moment '{name}'"))
    }
}

/// The bytes an entry of a map from `u64` to `u64`.
#[derive(Clone, Debug)]
pub struct Weight {
    /// When.
    pub moment: Moment,
    /// How many entries the map has, or had.
    pub entries: usize,
    /// The program `weigh`.
    pub tool: PathBuf,
}

impl Workload<u64, u64> for Weight {
    fn threads(&self) -> usize {
        1
    }

    fn trial<S: Subject<u64, u64>>(&self) -> Trial {
        let weight = self.clone();
        Box::new(move || {
            let bytes = weight.ask(S::NAME).expect("weigh answers a number");
            Outcome { cost: float(bytes) / float(weight.entries), wrong: 0 }
        })
    }
}

impl Weight {
    fn ask(&self, subject: &str) -> Result<usize, Box<dyn std::error::Error>> {
        let arguments = [subject, self.moment.name(), &self.entries.to_string()];
        let answer = Command::new(&self.tool).args(arguments).output()?;
        Ok(String::from_utf8(answer.stdout)?.trim().parse()?)
    }
}

/// How many bytes more than before `live` says are allocated at the given moment in a map's life.
pub fn weigh<S: Subject<u64, u64>>(
    moment: Moment,
    count: usize,
    live: impl Fn() -> usize,
) -> usize {
    let mut entries: Entries<u64> = keys::entries(count, keys::number);
    if matches!(moment, Moment::Ascending) {
        entries = keys::ascending(&entries).into();
    }
    // What a thread and a process allocate once is not the map's.
    let other = S::new();
    fill(&other, &entries[..count.min(1_000)]);
    other.settle();
    let before = live();
    let map = S::new();
    fill(&map, &entries);
    if matches!(moment, Moment::Removed) {
        crew::alone(&map, |session| {
            crew::drive(session, entries.iter(), |session, (key, _)| {
                session.remove(key);
            });
        });
    }
    let map = (!matches!(moment, Moment::Dropped)).then_some(map);
    other.settle();
    let after = live();
    drop(map);
    after.saturating_sub(before)
}

fn fill<S: Subject<u64, u64>>(map: &S, entries: &[(u64, u64)]) {
    crew::alone(map, |session| {
        crew::drive(session, entries, |session, (key, number)| session.upsert(*key, *number));
    });
}
