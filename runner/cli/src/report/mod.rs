//! Reports of a run. All are made from its events and from nothing else.

pub(crate) mod comparison;
pub(crate) mod explanation;
pub(crate) mod flips;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod live;
pub(crate) mod markdown;
pub(crate) mod plain;
pub(crate) mod plan_outline;
pub(crate) mod recorded;
pub(crate) mod reference;
pub(crate) mod scored;
pub(crate) mod step_lines;
pub(crate) mod summary;
pub(crate) mod sureness;
pub(crate) mod words;

pub(crate) use runner_github::{quantity, visible};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
