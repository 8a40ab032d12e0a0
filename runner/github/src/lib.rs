//! Everything that talks to GitHub, and everything that is made for it.
//!
//! The data flows one way: a payload becomes an [`event`], which [`filter`] lets through or not; a finished run becomes
//! [`report`] data, which is rendered as Markdown, packed into a [`bundle`] or posted by [`post`] through the [`client`].
//! A failing report never changes a verdict. Nothing here reads the environment.

pub mod actions;
pub mod approve;
pub mod bundle;
pub mod client;
pub mod escape;
pub mod event;
pub mod filter;
pub mod post;
pub mod quantity;
pub mod report;
pub mod visible;
