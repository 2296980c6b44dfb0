//! What does each part of the pool cost, on and off? `--full`, `--rounds N`, `--parts a,b` by the beginnings of
//! their names; `--features metrics,rate-limit` for these parts.
//!
//! Runs itself for each figure, since some parts hold for a whole process.

use std::process::Command;
use std::time::Duration;

use benches::number::median;
use benches::pools::parts::{Part, Question, all};
use lexopt::prelude::*;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let (mut rounds, mut calls, mut millis, mut parts) = (3, 20_000, 100, String::new());
    let (mut only, mut question) = (None, String::new());
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("rounds") => rounds = args.value()?.parse()?,
            Long("parts") => parts = args.value()?.parse()?,
            Long("full") => (rounds, calls, millis) = (5, 200_000, 400),
            // What this gives itself: a part, and what to ask.
            Long("part") => only = Some(args.value()?.string()?),
            Long("ask") => question = args.value()?.string()?,
            // What cargo passes.
            Long("bench") => {}
            other => return Err(other.unexpected().into()),
        }
    }
    if let Some(part) = only {
        println!("{}", answer(&part, &question)?);
        return Ok(());
    }
    let wanted = |part: &Part| {
        parts.is_empty() || parts.split(',').any(|wanted| part.name.starts_with(wanted))
    };
    // The first is what the others are compared with.
    let parts = all().into_iter().enumerate().filter(|(at, part)| *at == 0 || wanted(part));
    let parts: Vec<_> = parts.map(|(_, part)| part.name).collect();
    let uncontended = ask(&parts, &format!("uncontended={calls}"), rounds)?;
    let crowd = ask(&parts, &format!("crowd={millis}"), rounds)?;
    println!(
        "| part | uncontended, ns | more than off | crowd, k/s | of off |\n|---|---|---|---|---|"
    );
    for (at, name) in parts.iter().enumerate() {
        let (one, many) = (uncontended[at], crowd[at]);
        let (more, share) = (one - uncontended[0], many / crowd[0]);
        println!("| {name} | {one:.0} | {more:+.0} | {many:.0} | {share:.2} |");
    }
    Ok(())
}

/// The medians of interleaved rounds, of which each begins with another part.
fn ask(parts: &[&str], question: &str, rounds: usize) -> Outcome<Vec<f64>> {
    let mut figures = vec![vec![]; parts.len()];
    for round in 0..rounds {
        for turn in 0..parts.len() {
            let at = (round + turn) % parts.len();
            let mut command = Command::new(std::env::current_exe()?);
            let output = command.args(["--part", parts[at], "--ask", question]).output()?;
            let figure = String::from_utf8(output.stdout)?.trim().parse();
            let told = || format!("{}: {}", parts[at], String::from_utf8_lossy(&output.stderr));
            figures[at].push(figure.map_err(|_| told())?);
        }
    }
    Ok(figures.iter_mut().map(|figures| median(figures)).collect())
}

/// Asks this process.
fn answer(part: &str, question: &str) -> Outcome<f64> {
    let part = all().into_iter().find(|known| known.name == part);
    let part = part.ok_or("no part of that name")?;
    let question = match question.split_once('=') {
        Some(("uncontended", calls)) => Question::Uncontended(calls.parse()?),
        Some(("crowd", millis)) => Question::Crowd(Duration::from_millis(millis.parse()?)),
        Some(("tasks", calls)) => Question::Tasks(calls.parse()?),
        _ => return Err("none of uncontended=CALLS, crowd=MILLIS and tasks=CALLS".into()),
    };
    let mut runtime = match question {
        Question::Tasks(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on((part.measure)(question)))
}
