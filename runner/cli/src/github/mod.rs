//! Runs that answer an event of GitHub: what started them, whose policy counts, and what is told afterwards.
//!
//! All that touches GitHub's API is in the crate of that name; here is what it needs from this machine: variables, files,
//! the checkout and the store.

pub(crate) mod base;
mod changed;
pub(crate) mod compose;
pub(crate) mod connect;
pub(crate) mod figures;
pub(crate) mod finish;
pub(crate) mod progress;
pub(crate) mod started;
pub(crate) mod variables;
