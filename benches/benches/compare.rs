//! The ratio table: this map and its peers on the same work. `--help` says how to ask.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match benches::compare::main(PathBuf::from(env!("CARGO_BIN_EXE_weigh"))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::from(2)
        }
    }
}
