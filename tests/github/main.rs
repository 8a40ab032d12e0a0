//! The Action and the reports to GitHub, against a stateful double of GitHub's API.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_collect,
    reason = "test code: a panic is how it fails, and plain text beats a faster buffer"
)]

mod action;
mod contract;
mod double;
mod hostile;
mod http;
mod lints;
mod prism;
mod tools;
