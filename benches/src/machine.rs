//! What a result needs beside it to mean anything: date, machine, command.

use std::process::Command;

/// Date and time, UTC, as `date` says it.
#[must_use]
pub fn date() -> String {
    let said = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output();
    let text = said.ok().and_then(|said| String::from_utf8(said.stdout).ok());
    text.map_or("unknown".into(), |text| text.trim().to_owned())
}

/// The processor, as Linux names it, and how many of it there are for this process.
#[must_use]
pub fn name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |text| text.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}

/// The command line that has started this bench, as a user types it.
#[must_use]
pub fn command(bench: &str) -> String {
    let flags: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    format!("cargo bench -p benches --bench {bench} -- {}", flags.join(" "))
        .trim_end_matches(" -- ")
        .to_owned()
}
