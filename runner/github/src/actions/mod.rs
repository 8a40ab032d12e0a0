//! What the machine that runs a job of GitHub Actions reads: commands on standard output, and files for outputs and
//! summaries. Texts only; writing them is the caller's.

pub mod command;
pub mod output;
pub mod summary;
