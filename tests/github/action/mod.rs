//! `action.yml` itself, step by step on a clean machine, with an event as GitHub sends it and the double of its API.

mod commands;
mod expression;
mod install;
mod machine;
mod private;
mod release;
mod repository;
mod scenario;
mod scenarios;

pub(crate) use commands::entries;
pub(crate) use machine::Seen;
pub(crate) use scenario::{Scenario, Through};
