//! The command-line tool `runner`.
fn main() {}
