//! What the pool says through `tracing`, for a test to read.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The events of this thread, which is that of one test and all its tasks, as lines of text.
///
/// One subscriber for the process: what tracing keeps for each place of an event, whether anybody listens, is
/// for the process, too.
pub(crate) struct Events;

impl Events {
    /// Forgets what was said before.
    pub(crate) fn listen() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::DEBUG)
                .with_writer(|| Lines)
                .with_ansi(false)
                .without_time();
            subscriber.init();
        });
        LINES.take();
        Self
    }

    /// Those that have this text, in order.
    #[allow(clippy::unused_self, reason = "who has not listened has nothing to read")]
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        LINES.with_borrow(|lines| {
            let lines = std::str::from_utf8(lines).unwrap().lines();
            lines.filter(|line| line.contains(text)).map(String::from).collect()
        })
    }
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
