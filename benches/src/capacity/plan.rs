//! Makes a plan, step by step, and says on standard error how far it is.

use std::time::Instant;

use super::advice::{notes, recommendation};
use super::check::checks;
use super::figures::{Figures, ascending, at, settled};
use super::input::Input;
use super::knee::Knee;
use super::report::{Asked, Configured, Curve, PeerPlan, Report, Split};
use super::runner::{Peer, Runner};
use super::sensitivity::{headroom, loads};
use super::simulate::simulate;
use super::sizes::{Sizes, around, guess, most};
use super::{burst, deadlock, start};
use crate::machine;

/// Into how many points a curve is cut where the share of calls that wait longer falls to a tenth, and how
/// often it does.
const POINTS: u32 = 8;
const DECADES: u32 = 4;

/// Says what is done, and when it has begun.
struct Progress(Instant);

impl Progress {
    fn step<T>(&self, what: &str, step: impl FnOnce() -> T) -> T {
        eprintln!("{:>4} s  {what}", self.0.elapsed().as_secs());
        step()
    }
}

/// Makes the plan.
#[must_use]
pub fn plan(runner: &Runner, peers: &[Peer]) -> Report {
    let input = runner.input;
    let progress = Progress(Instant::now());
    let most = most(runner);
    let mut sizes = Sizes::new(runner, Peer::Ours);
    let least = progress.step("sizes", || recommended(&mut sizes, runner, most));
    let size = least.unwrap_or(most);
    let (knee, knee_of) = progress.step("throughput against concurrency", || knee(runner, size));
    let (peers, curves) =
        progress.step("fairness of waits", || compare(runner, peers, size, least, most));
    let late = late(runner);
    let mut report = Report {
        date: machine::date(),
        machine: machine::name(),
        command: machine::command("capacity"),
        clock: clock(runner, late),
        late_percent: late / input.service.mean() * 100.0,
        asked: asked(input),
        recommendation: String::new(),
        size: least,
        notes: Vec::new(),
        configured: input.size.map(|size| configured(&mut sizes, size)),
        rows: sizes.rows(|size| why(input, least, size)),
        checks: progress.step("agreement with theory", || checks(runner, size)),
        loads: progress.step("other loads", || loads(runner, size)),
        headroom: headroom(runner, size),
        start: progress.step("start", || start::start(runner, size)),
        burst: progress.step("bursts", || burst::burst(runner, size)),
        deadlock: deadlock::deadlock(input),
        split: split(input, least),
        knee,
        knee_of,
        peers,
        curves,
    };
    report.recommendation = recommendation(input, &report);
    report.notes = notes(input, &report);
    report
}

/// The least size that holds the target, if there is one. Measures those around it, too, and those of others' rules.
fn recommended(sizes: &mut Sizes, runner: &Runner, most: usize) -> Option<usize> {
    let input = runner.input;
    let least = sizes.least_that_holds(guess(runner, most), most);
    let others = references(input).into_iter().chain(around(runner, least.unwrap_or(most), most));
    for size in others {
        sizes.measure(size);
    }
    least
}

/// The sizes that others would take.
fn references(input: &Input) -> Vec<usize> {
    let all = [input.hikari(), input.deadlock_floor(), input.share(input.instances), input.size];
    // One that no machine would be given is known to be enough.
    all.into_iter().flatten().filter(|size| *size <= 20_000).collect()
}

fn why(input: &Input, recommended: Option<usize>, size: usize) -> Vec<&'static str> {
    let names = [
        (recommended, "recommended"),
        (input.size, "configured"),
        (input.hikari(), "HikariCP's cores x 2 + spindles"),
        (input.deadlock_floor(), "deadlock floor"),
        (input.share(input.instances), "server's limit"),
    ];
    names.into_iter().filter(|(of, _)| *of == Some(size)).map(|(_, name)| name).collect()
}

fn asked(input: &Input) -> Asked {
    Asked {
        rate: input.rate,
        instances: input.instances,
        service: input.service.describe(),
        service_mean_ms: input.service.mean() * 1e3,
        offered: input.offered(),
        concurrency: input.concurrency,
        held: input.held,
        quantile: input.quantile,
        wait_ms: input.wait_ms,
    }
}

/// How much longer than asked connections are held, in seconds, on average of a run with little else to do.
fn late(runner: &Runner) -> f64 {
    if runner.clock.is_virtual() {
        return 0.0;
    }
    let calls = runner.steady(1.0, 500);
    let size = runner.input.least();
    Figures::of_run(&runner.outcomes(Peer::Ours, size, size, &calls), 50.0).late_ms / 1e3
}

fn clock(runner: &Runner, late: f64) -> String {
    if runner.clock.is_virtual() {
        return format!(
            "virtual (tokio's paused clock, times stretched {}-fold): code takes no time, and service times and \
             arrivals are rounded to {:.3} us",
            runner.clock.stretch(),
            1e3 / f64::from(runner.clock.stretch())
        );
    }
    format!(
        "the wall's: connections are held {:.1} us longer than asked on average (timer, then yielding)",
        late * 1e6
    )
}

/// Of the database, if one was measured; else of the pool.
fn knee(runner: &Runner, size: usize) -> (Knee, String) {
    if let Some(measured) = &runner.input.measured {
        return (measured.knee.clone(), format!("the pool on {}", measured.database));
    }
    let mut callers: Vec<usize> = [1, 2, 4, 6, 8, 10, 12, 16, 24].map(|n| size * n / 8).into();
    // More callers than there may be could wait for one another for ever.
    let limit = runner.input.concurrency.unwrap_or(usize::MAX);
    callers
        .iter_mut()
        .for_each(|callers| *callers = (*callers / runner.input.held).clamp(1, limit));
    callers.dedup();
    let steps = callers.into_iter().map(|callers| runner.step(size, callers)).collect();
    (Knee::of(steps), format!("a pool of {size} whose server slows down for nobody"))
}

/// Ours and its peers at one size, and the ideal queue's curve.
fn compare(
    runner: &Runner,
    peers: &[Peer],
    size: usize,
    least: Option<usize>,
    most: usize,
) -> (Vec<PeerPlan>, Vec<Curve>) {
    let input = runner.input;
    let size = size.max(input.least());
    let calls = runner.steady(1.0, runner.scale.calls);
    let ideal = simulate(&calls, size, input.callers());
    let mut curves = vec![curve("first come, first served".into(), &ascending(settled(&ideal)))];
    let mut plans = Vec::new();
    for peer in std::iter::once(Peer::Ours).chain(peers.iter().copied()) {
        let outcomes = runner.outcomes(peer, size, size, &calls);
        curves.push(curve(peer.name().into(), &ascending(settled(&outcomes))));
        let measured = Figures::of_run(&outcomes, input.quantile);
        let size = match peer {
            Peer::Ours => least,
            _ => Sizes::new(runner, peer).least_that_holds(size, most.max(size * 2)),
        };
        plans.push(PeerPlan { pool: peer.name(), size, measured });
    }
    (plans, curves)
}

fn curve(of: String, waits: &[f64]) -> Curve {
    let share = |n: u32| 100.0 - 10_f64.powf(2.0 - f64::from(n) / f64::from(POINTS));
    let points = (0..=POINTS * DECADES).map(share).map(|share| (share, at(waits, share)));
    Curve { of, points: points.collect() }
}

fn split(input: &Input, size: Option<usize>) -> Vec<Split> {
    let Some(limit) = input.server_limit else { return Vec::new() };
    let all = limit.saturating_sub(input.reserved);
    let of = |instances: usize| Split {
        instances,
        each: all / instances,
        left: all % instances,
        fits: size.is_some_and(|size| size <= all / instances),
    };
    // One more, since a new one often starts before an old one ends.
    vec![of(input.instances), of(input.instances + 1)]
}

fn configured(sizes: &mut Sizes, size: usize) -> Configured {
    let run = sizes.measure(size);
    Configured {
        size,
        holds: sizes.holds(size),
        target_ms: run.map_or(f64::INFINITY, |run| run.target_ms),
    }
}
