//! What do keys of 16 to 24 bytes cost, with and without 10 bytes in common?

mod common;

fn main() {
    let mut criterion = common::criterion();
    common::groups(&mut criterion, &["string-get", "string-insert", "prefix-get"]);
    criterion.final_summary();
}
