//! The planner: how many connections are needed? `--help` says how to ask.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("capacity");
    match benches::capacity::main(built) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("capacity: {error}");
            ExitCode::from(2)
        }
    }
}
