//! End-to-end tests: each drives the built binary, one file per behaviour.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_push_string,
    reason = "test code: a panic is how it fails, and plain text beats a faster buffer"
)]

#[path = "behaviour/actions.rs"]
mod actions;
#[path = "behaviour/base.rs"]
mod base;
#[path = "behaviour/browser.rs"]
mod browser;
#[path = "behaviour/by_hand.rs"]
mod by_hand;
#[path = "behaviour/cancel.rs"]
mod cancel;
#[path = "behaviour/champion.rs"]
mod champion;
#[path = "behaviour/check.rs"]
mod check;
#[path = "behaviour/containers/mod.rs"]
mod containers;
#[path = "behaviour/documentation.rs"]
mod documentation;
#[path = "behaviour/evidence.rs"]
mod evidence;
#[path = "behaviour/examples.rs"]
mod examples;
#[path = "behaviour/explained.rs"]
mod explained;
#[path = "behaviour/fail_closed.rs"]
mod fail_closed;
#[path = "behaviour/kill.rs"]
mod kill;
#[path = "behaviour/no_commands.rs"]
mod no_commands;
#[path = "behaviour/registry_s3.rs"]
mod registry_s3;
#[path = "behaviour/sandbox.rs"]
mod sandbox;
#[path = "behaviour/scikit_learn.rs"]
mod scikit_learn;
#[path = "behaviour/secrets.rs"]
mod secrets;
