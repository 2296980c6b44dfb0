//! Histories as text: one column a thread, one line an event.
//!
//! ```text
//!   tick  thread 0               thread 1
//!      0  Insert(1, 1) -> None
//!      2  ┌ Insert(1, 2)
//!      3  │                      Get(1) -> None
//!      5  └ -> Some(1)
//! ```

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use crate::history::{Call, History};

/// The events of `calls` by time, each as its tick and what `invoked` or `returned` makes of
/// the call's index. At one tick invocations come first, which lets the calls overlap.
pub fn events<Op, Ret, E>(
    calls: &[Call<Op, Ret>],
    invoked: impl Fn(usize) -> E,
    returned: impl Fn(usize) -> E,
) -> Vec<(u64, E)> {
    let mut events = Vec::with_capacity(2 * calls.len());
    for (index, call) in calls.iter().enumerate() {
        events.push((call.invoked, false, invoked(index)));
        events.extend(call.returned.map(|tick| (tick, true, returned(index))));
    }
    events.sort_by_key(|&(tick, is_response, _)| (tick, is_response));
    events.into_iter().map(|(tick, _, event)| (tick, event)).collect()
}

/// One call as a line of text.
pub fn describe<Op: Debug, Ret: Debug>(call: &Call<Op, Ret>) -> String {
    let Call { thread, op, ret, .. } = call;
    format!("thread {thread}: {op:?} -> {ret:?}")
}

/// The history as a table.
pub fn render<Op: Debug, Ret: Debug>(history: &History<Op, Ret>) -> String {
    let calls = history.calls();
    let mut table = Table::new(calls.iter().map(|call| call.thread));
    let events = events(calls, |call| (call, false), |call| (call, true));
    let mut events = events.into_iter().peekable();
    while let Some((tick, (index, is_response))) = events.next() {
        let Call { thread, op, ret, .. } = &calls[index];
        if is_response {
            table.line(tick, *thread, &format!("└ -> {ret:?}"), false);
        } else if events.next_if(|&(_, next)| next == (index, true)).is_some() {
            table.line(tick, *thread, &format!("{op:?} -> {ret:?}"), false);
        } else {
            table.line(tick, *thread, &format!("┌ {op:?}"), true);
        }
    }
    table.finish(calls)
}

/// Lines under construction: their cells are padded at the end, when the widths are known.
struct Table {
    /// Whether each thread is inside a call, and how wide its column is.
    columns: BTreeMap<usize, (bool, usize)>,
    lines: Vec<(String, BTreeMap<usize, String>)>,
}

impl Table {
    fn new(threads: impl Iterator<Item = usize>) -> Self {
        let title = |thread| format!("thread {thread}");
        let titles: BTreeMap<_, _> = threads.map(|t| (t, title(t))).collect();
        let width = |title: &String| title.chars().count();
        Self {
            columns: titles.iter().map(|(&t, title)| (t, (false, width(title)))).collect(),
            lines: vec![("tick".to_owned(), titles)],
        }
    }

    /// Adds a line with `text` in the thread's column; `inside` says if its call goes on below.
    fn line(&mut self, tick: u64, thread: usize, text: &str, inside: bool) {
        self.row(tick.to_string(), thread, text);
        self.columns.entry(thread).and_modify(|c| c.0 = inside);
    }

    fn row(&mut self, label: String, thread: usize, text: &str) {
        let running = self.columns.iter().filter(|(_, (inside, _))| *inside);
        let mut cells: BTreeMap<_, _> = running.map(|(&t, _)| (t, "│".to_owned())).collect();
        cells.insert(thread, text.to_owned());
        self.lines.push((label, cells));
        let width = text.chars().count();
        self.columns.entry(thread).and_modify(|c| c.1 = c.1.max(width));
    }

    /// The table's text, with a last line for each call that a cut left open.
    fn finish<Op, Ret: Debug>(mut self, calls: &[Call<Op, Ret>]) -> String {
        for call in calls.iter().filter(|call| call.returned.is_none()) {
            let text = format!("┆ later -> {:?}", call.ret);
            self.row("open".to_owned(), call.thread, &text);
        }
        let mut text = String::new();
        for (label, cells) in &self.lines {
            let mut line = format!("{label:>6}");
            for (thread, &(_, width)) in &self.columns {
                let cell = cells.get(thread).map_or("", String::as_str);
                write!(line, "  {cell:<width$}").expect("a String takes every write");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
