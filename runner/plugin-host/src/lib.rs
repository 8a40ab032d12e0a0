//! The sandbox: runs plugins as WebAssembly components that can reach nothing but what their step names.
//!
//! The way of one step through this crate:
//!
//! | Module | |
//! |---|---|
//! | [`host`] | the executor |
//! | `source`, `library`, `component`, `cache` | from `uses:` to code that can be called |
//! | `describe`, [`manifest`], `grants` | what a plugin asks for, and what the workflow grants |
//! | `furnish`, `determinism`, `paths` | what it finds in its sandbox |
//! | `offer`, `state`, `reports`, `log`, `stdio` | what it can call, and what comes of that |
//! | `call`, `meter`, `outputs`, `stop`, `limits` | what it can use up |
//! | `attempt`, `outcome` | how it ended |
//!
//! Nothing here is trusted for being well-behaved: every length, count and duration that a plugin decides is bounded in
//! `limits`, and `tests/guests` holds a plugin for each bound that tries to break it.

mod attempt;
mod bindings;
mod cache;
mod call;
mod component;
mod describe;
mod determinism;
mod digest;
mod error;
mod furnish;
mod grants;
pub mod host;
mod library;
mod limits;
mod log;
mod machine;
pub mod manifest;
mod meter;
mod offer;
mod outcome;
mod outputs;
mod paths;
mod reports;
mod source;
mod state;
mod stdio;
mod stop;
#[cfg(test)]
mod testing;

pub use host::{HostOptions, PluginHost};
pub use manifest::{Capability, CapabilityRequest, Manifest, ManifestProblem, Port};
pub use source::Builtin;
