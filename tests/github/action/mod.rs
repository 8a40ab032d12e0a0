//! `action.yml` itself, step by step on a clean machine, with an event as GitHub sends it and the double of its API.

mod commands;
mod expression;
mod install;
mod machine;
mod release;
mod repository;
