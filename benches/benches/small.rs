//! What does a map of 20 entries cost, as a connection pool keeps one?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["small-get", "small-scan", "small-churn"]);
    criterion.final_summary();
}
