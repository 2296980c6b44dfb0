//! The ratio table of the pools. `--full`, `--rounds N`, `--rows a,b`; rows whose names begin with a given
//! one are taken too. The rows on PostgreSQL start a private server from Debian's package.

use std::time::Duration;

use benches::pools::questions::Env;
use benches::pools::table::table;
use lexopt::prelude::*;

#[path = "../../pool/tests/common/server.rs"]
mod server;

fn main() -> Result<(), lexopt::Error> {
    let (mut rounds, mut time, mut rows) = (3, Duration::from_millis(100), String::new());
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("rounds") => rounds = args.value()?.parse()?,
            Long("rows") => rows = args.value()?.parse()?,
            Long("full") => (rounds, time) = (5, Duration::from_millis(400)),
            // What cargo passes.
            Long("bench") => {}
            other => return Err(other.unexpected()),
        }
    }
    let wanted = |id: &str| {
        rows.is_empty() || rows.split(',').any(|row| id.starts_with(row) || row.starts_with(id))
    };
    let private = match server::Server::start(&server::POSTGRES) {
        Ok(private) => Some(private),
        Err(why) => {
            println!("SKIPPED: the rows on PostgreSQL: {why}");
            None
        }
    };
    let options = private.as_ref().map(|server| server.url().parse().expect("it is a URL"));
    println!("{}", table(&Env { postgres: options, time, allocated: None }, rounds, wanted));
    Ok(())
}
