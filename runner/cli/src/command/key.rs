//! `runner key`: the key that signs evidence.

use clap::Subcommand;

use crate::{environment::Environment, exit_code::ExitCode, failure::Failure, keys, output};

/// Arguments of `runner key`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the key that signs evidence, unless there is one; a run with gates does so by itself.
    New,
    /// Show the public key, for others to trust: they put it into their folder of keys, or name it with `--key`.
    Show,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let folder = keys::folder(environment)?;
    match arguments.action {
        Action::New => {
            let (key, made) = keys::make(&folder)?;
            let word = if made { "made" } else { "kept the one that is there:" };
            output::print(&format!(
                "{word} key {}\npublic half: {}\n",
                key.public().id(),
                keys::public_file(&folder).display()
            ))?;
        }
        Action::Show => {
            let keys = keys::for_checking(&[keys::public_file(&folder)], environment);
            let keys = keys.map_err(|failure| failure.help("`runner key new` makes one"))?;
            for key in keys {
                output::print(&format!(
                    "# key {}, in the folder {}\n{}",
                    key.id(),
                    folder.display(),
                    key.to_pem()
                ))?;
            }
        }
    }
    Ok(ExitCode::Passed)
}
