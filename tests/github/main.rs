//! The Action and the reports to GitHub, against a stateful double of GitHub's API.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test code: a panic is how it fails")]

mod action;
mod contract;
mod double;
mod http;
mod lints;
mod prism;
mod tools;
