//! What does an entry cost in a scan of 100, and in an iteration over all?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["scan-100", "iterate"]);
    criterion.final_summary();
}
