//! The language from outside: text in, plan and problems out.

mod diagnostics;
mod evaluate;
mod hostile;
mod laws;
mod plan;
mod world;
