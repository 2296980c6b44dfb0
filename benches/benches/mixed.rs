//! What do gets cost beside upserts, and removals beside insertions?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["mixed-5", "mixed-50", "churn"]);
    criterion.final_summary();
}
