//! Chores of developers.
fn main() {}
