//! What does it cost to take the first entry, when another thread does the same?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["pop-first"]);
    criterion.final_summary();
}
