//! The runner behind `cargo bench -p benches --bench compare`: runs rows, prints the ratio table, judges it.

pub mod args;
pub mod floor;
pub mod page;
mod plot;
pub mod report;
mod run;
pub mod table;

use std::error::Error;
use std::path::PathBuf;

use self::args::{Args, Request};
use self::report::Report;
use crate::output::save;

/// Does what the command line asks. Answers whether all answers of ours were right and all floors held.
///
/// # Errors
///
/// If the command line, the file of floors or a file to write is not right.
pub fn main(tool: PathBuf) -> Result<bool, Box<dyn Error>> {
    let args = match args::parse(std::env::args_os().skip(1), tool)? {
        Request::Help => {
            print!("{}", args::HELP);
            return Ok(true);
        }
        Request::List => {
            args::list();
            return Ok(true);
        }
        Request::Run(args) => args,
    };
    let floors = args.floor.as_deref().map(floor::read).transpose()?.unwrap_or_default();
    let report = run::run(&args);
    println!("\n{}", table::markdown(&report));
    write(&args, &report)?;
    Ok(right(&report) & held(&floors, &report)?)
}

fn write(args: &Args, report: &Report) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &args.json {
        save("--json", path, &serde_json::to_string_pretty(report)?)?;
    }
    if let Some(path) = &args.html {
        save("--html", path, &page::html(report)?)?;
    }
    Ok(())
}

/// Whether ours gave right answers only: a fast wrong answer is no result.
fn right(report: &Report) -> bool {
    let wrong = report.rows.iter().filter(|row| row.ours_wrong() > 0);
    wrong.inspect(|row| println!("WRONG: {}: {} answers of ours", row.id, row.ours_wrong())).count()
        == 0
}

fn held(floors: &[floor::Floor], report: &Report) -> Result<bool, String> {
    let mut all = true;
    for floor in floors {
        let verdict = floor.judge(report)?;
        println!("{verdict}");
        all &= verdict.held();
    }
    Ok(all)
}
