//! What does a get of a present key cost, alone and beside another thread?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["get-1", "get", "get-zipf"]);
    criterion.final_summary();
}
