//! Hostile plugins and damaged files against the host, and one that behaves beside them.

mod cache;
mod contract;
mod cost;

mod escapes;
mod grants;
mod limits;
mod refusals;
mod reports;
mod stage;
