//! One file for each subcommand: its arguments and what it does.

pub(crate) mod approve;
pub(crate) mod check;
pub(crate) mod clean;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod gate;
pub(crate) mod graph;
pub(crate) mod key;
pub(crate) mod logs;
pub(crate) mod ls;
pub(crate) mod model;
pub(crate) mod plan;
pub(crate) mod plugin;
pub(crate) mod report;
pub(crate) mod report_github;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod verify;
pub(crate) mod waive;
