//! The recommendation, in words.

use super::deadlock::Deadlock;
use super::input::Input;
use super::report::Report;
use super::sensitivity::Load;

/// How late, in per cent of a mean service time, the wall's timers may be before waits say nothing of the pool.
const LATE_PERCENT: f64 = 5.0;

/// Says what size to take, and with what margin.
#[must_use]
pub(super) fn recommendation(input: &Input, report: &Report) -> String {
    let target = format!("p{} wait under {} ms", input.quantile, input.wait_ms);
    let row = |size: usize| report.rows.iter().find(|row| row.size == size);
    let Some(size) = report.size else {
        // Sizes of others' rules are in the table even where the server has no room for them.
        let may = input.share(input.instances).unwrap_or(usize::MAX);
        let sizes = report.rows.iter().map(|row| row.size);
        let tried = sizes.filter(|size| *size <= may).max().unwrap_or(0);
        return format!("No size up to {tried} holds a {target}: {}.", why_not(input, tried));
    };
    let run = row(size).and_then(|row| row.measured).unwrap_or_default();
    format!(
        "Take {size} connections{}: {} of calls wait no longer than {:.2} ms (\u{b1}{:.2}), {:.0} % below the {} ms \
         asked for, at {:.0} % utilisation; in theory it holds up to {:.0} % more load{}.",
        instances(input, size),
        format_args!("{} %", input.quantile),
        run.target_ms,
        run.target_error_ms,
        (1.0 - run.target_ms / input.wait_ms) * 100.0,
        input.wait_ms,
        input.utilisation(size) * 100.0,
        ((report.headroom - 1.0) * 100.0).max(0.0),
        more(report)
    )
}

fn instances(input: &Input, size: usize) -> String {
    match (input.instances, input.server_limit) {
        (1, _) => String::new(),
        (n, None) => format!(" in each of {n} instances ({} in all)", n * size),
        (n, Some(limit)) => {
            format!(" in each of {n} instances ({} of the server's {limit})", n * size)
        }
    }
}

/// What 20 % more load would take.
fn more(report: &Report) -> String {
    match report.loads.iter().find(|load| load.factor == 1.2) {
        Some(Load { size: Some(size), .. }) => format!(", and 20 % more takes {size}"),
        _ => String::new(),
    }
}

fn why_not(input: &Input, tried: usize) -> String {
    if input.utilisation(tried) >= 1.0 {
        return format!("{:.1} connections would be busy all the time", input.offered());
    }
    if let Some(floor) = input.deadlock_floor().filter(|floor| *floor > tried) {
        return format!("callers that hold {} connections need {floor}", input.held);
    }
    match (input.server_limit, input.concurrency) {
        (Some(limit), _) if input.share(input.instances) == Some(tried) => format!(
            "that is what {} of the server's {limit} leave each instance",
            limit.saturating_sub(input.reserved)
        ),
        (_, Some(callers)) => format!("with {callers} callers at most, too many are refused"),
        _ => "the target is too tight".into(),
    }
}

/// What else one should know.
#[must_use]
pub(super) fn notes(input: &Input, report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if report.late_percent > LATE_PERCENT {
        notes.push(format!(
            "NO PLAN: connections were held {:.0} % longer than asked, because the machine is busy with something else. \
             These waits are the machine's; run it again on an idle one, or without --real-time.",
            report.late_percent
        ));
    }
    notes.extend(report.checks.iter().map(super::check::Check::says));
    notes.push(start(input, report));
    notes.push(burst(input, report));
    if let Some(measured) = &input.measured {
        notes.push(format!(
            "On {}, throughput stops growing at {} connections; service times were taken at {}, since they grow \
             with the number that run side by side.",
            measured.database, measured.knee.at, measured.taken_at
        ));
        if report.size.is_some_and(|size| size * input.instances > measured.knee.at * 2) {
            notes.push(
                "The recommended size lies far beyond that: the extra connections absorb bursts, but the database \
                 serves no more for them."
                    .into(),
            );
        }
    }
    notes.extend(report.split.iter().filter(|split| !split.fits).map(|split| {
        format!(
            "With {} instances the server's limit leaves {} each, which is not enough.",
            split.instances, split.each
        )
    }));
    notes.extend(report.deadlock.as_ref().map(Deadlock::says));
    notes
}

fn start(input: &Input, report: &Report) -> String {
    let start = &report.start;
    let cold = format!(
        "Started cold (opening takes {:.1} ms), {} % of the calls of the first {:.0} ms wait up to {}",
        start.connect_ms,
        input.quantile,
        start.window_ms,
        // Refused calls wait for ever.
        match start.cold_ms {
            wait if wait.is_finite() => format!("{wait:.1} ms"),
            _ => "for ever, as more are refused".into(),
        }
    );
    match start.open {
        Some(0) => format!("{cold}: no connection need be open before."),
        Some(open) => {
            format!("{cold}; with {open} open at the start (the pool's `min`), the target holds.")
        }
        None => format!("{cold}; the target does not hold there even with all open."),
    }
}

fn burst(input: &Input, report: &Report) -> String {
    let (calls, more) = (report.burst.calls, if report.burst.at_least { " and more" } else { "" });
    match calls {
        0 => "On top of the steady load no burst keeps to the target, not even of one call.".into(),
        _ => format!(
            "On top of the steady load, of a burst of {calls} calls{more} at one moment {} % still wait no longer \
             than {} ms.",
            input.quantile, input.wait_ms
        ),
    }
}
