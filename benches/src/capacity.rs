//! The planner behind `cargo bench -p benches --bench capacity`: how many connections are needed?
//!
//! A [`File`], or flags, make an [`Input`]: what comes and what is to hold. A [`Runner`] puts an open-loop
//! [`load`] on the real pool, over connections that do nothing but be held for a [`Service`](service::Service)
//! time, by a [`Clock`] that need not be the wall's. [`plan`] asks it for sizes, loads, starts and
//! bursts, and beside each figure [`predict`] says what theory expects. The [`report`] is printed and written as a
//! page, JSON and comma-separated values.

mod advice;
pub mod args;
pub mod burst;
pub mod charts;
pub mod check;
pub mod clock;
pub mod database;
pub mod deadlock;
pub mod erlang;
pub mod error;
pub mod figures;
pub mod file;
pub mod input;
pub mod knee;
pub mod load;
pub mod page;
pub mod plan;
pub mod predict;
pub mod report;
pub mod runner;
pub mod sensitivity;
pub mod service;
pub mod simulate;
pub mod sizes;
pub mod start;
pub mod table;
pub mod trace;

use std::error::Error;
use std::path::{Path, PathBuf};

use self::args::{Args, Request};
use self::clock::Clock;
use self::file::File;
use self::input::Input;
use self::report::Report;
use self::runner::Runner;
use crate::output::save;

/// Does what the command line asks. Answers whether the gate, if there is one, is passed. Files go to `built` where
/// nothing else is said.
///
/// # Errors
///
/// If the command line, the input or a file to write is not right.
pub fn main(built: PathBuf) -> Result<bool, Box<dyn Error>> {
    let args = match args::parse(std::env::args_os().skip(1))? {
        Request::Help => {
            print!("{}", args::HELP);
            return Ok(true);
        }
        Request::Plan(args) => args,
    };
    let report = make(&args, std::env::var("DATABASE_URL").ok().as_deref())?;
    println!("\n{}", table::markdown(&report));
    // `cargo test` runs this too, and wants no files.
    let default = args.measure.then_some(built);
    if let Some(folder) = args.out.clone().or(default) {
        write(&folder, &report)?;
    }
    Ok(passed(&args, &report))
}

/// Makes the plan that was asked for.
///
/// # Errors
///
/// If the input is not right.
pub fn make(args: &Args, url: Option<&str>) -> Result<Report, Box<dyn Error>> {
    let file = args.input.as_deref().map(File::read).transpose()?.unwrap_or_default();
    let input: Input = args.flags.clone().or(file).resolve(url, args.quick || !args.measure)?;
    if args.gate && input.size.is_none() {
        return Err("--gate: needs a size to judge: set --size, or size in the file".into());
    }
    let (clock, scale) = match args.real_time {
        true => (Clock::WALL, args.scale().within(input.rate, args.seconds.unwrap_or(3.0))),
        false => (Clock::virtual_for(input.service.mean()), args.scale()),
    };
    Ok(plan::plan(&Runner { input: &input, clock, scale }, &args.peers))
}

fn write(folder: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("--out {}: {error}", folder.display()))?;
    save("--out", &folder.join("capacity.json"), &serde_json::to_string_pretty(report)?)?;
    save("--out", &folder.join("capacity.csv"), &table::csv(report)?)?;
    save("--out", &folder.join("capacity.html"), &page::html(report)?)?;
    Ok(())
}

/// Whether the configured size holds the target, where that is asked.
fn passed(args: &Args, report: &Report) -> bool {
    let Some(configured) = report.configured.filter(|_| args.gate) else { return true };
    println!(
        "{}: {} connections: {} ms at {}, and {} ms asked for",
        if configured.holds { "gate passed" } else { "GATE FAILED" },
        configured.size,
        table::ms(configured.target_ms),
        report.asked.target(),
        report.asked.wait_ms
    );
    configured.holds
}
