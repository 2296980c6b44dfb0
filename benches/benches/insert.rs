//! What does it cost to fill a map, in shuffled and in ascending order?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["insert", "insert-ascending"]);
    criterion.final_summary();
}
