//! Chores of developers: `cargo xtask test`, `fuzz`, `plugins`, `bench`, `schema`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool for developers")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod command;
mod fuzz;
mod plugins;
mod schema;
mod test;
mod toolchain;

/// Chores of developers.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measure speed and memory beside peers, in one run.
    Bench(bench::Arguments),
    /// Run the tests. Without options: everything that a machine with only Rust can run.
    Test(test::Arguments),
    /// Fuzz the language, its expressions and the gate grammar for some minutes (`cargo install cargo-fuzz`).
    Fuzz(fuzz::Arguments),
    /// Build the standard plugins (`plugins/dist`) or the guests of the tests, or check that they are up to date.
    Plugins(plugins::Arguments),
    /// Write the generated JSON Schema of the workflow language, or check that it is up to date.
    Schema(schema::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Fuzz(arguments) => fuzz::run(&arguments),
        Chore::Plugins(arguments) => plugins::run(&arguments),
        Chore::Schema(arguments) => schema::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
