//! The values behind `secrets:`, from where the workflow says they are.

use std::{env, fs, path::Path};

use runner_engine::{SecretValue, mask::Masker};
use runner_workflow::plan::Plan;

use crate::failure::Failure;

/// A file larger than this is no secret.
const LARGEST: u64 = 64 * 1024;

/// Look up every secret of the plan. One that is not there is an error before anything runs.
pub(crate) fn resolve(plan: &Plan, workspace: &Path) -> Result<Vec<SecretValue>, Failure> {
    plan.secrets
        .iter()
        .map(|(name, secret)| {
            let value = look_up(&secret.from, workspace).map_err(|why| {
                Failure::environment("cli::secret", format!("cannot read the secret `{name}`: {why}"))
                    .help(format!("`secrets.{name}.from` is `{}`", secret.from))
            })?;
            Ok(SecretValue { name: name.clone(), value })
        })
        .collect()
}

/// What hides those secrets of the plan that are there, where nothing is run that would need them all.
pub(crate) fn masker(plan: &Plan, workspace: &Path) -> Masker {
    let known = plan.secrets.iter().filter_map(|(name, secret)| {
        let value = look_up(&secret.from, workspace).ok()?;
        Some(SecretValue { name: name.clone(), value })
    });
    Masker::new(&known.collect::<Vec<_>>())
}

/// Whether a secret comes from this environment variable: no step gets to see it.
pub(crate) fn is_source(plan: &Plan, variable: &str) -> bool {
    plan.secrets.values().any(|secret| secret.from.strip_prefix("env:") == Some(variable))
}

fn look_up(from: &str, workspace: &Path) -> Result<String, String> {
    let value = match from.split_once(':') {
        Some(("env", variable)) => env::var(variable).map_err(|error| match error {
            env::VarError::NotPresent => format!("the environment variable {variable} is not set"),
            env::VarError::NotUnicode(_) => format!("the environment variable {variable} is not UTF-8"),
        })?,
        Some(("file", path)) => {
            let path = workspace.join(path);
            let size = fs::metadata(&path).map_err(|error| format!("{}: {error}", path.display()))?.len();
            if size > LARGEST {
                return Err(format!("{} is larger than {LARGEST} bytes", path.display()));
            }
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            // Files end with a line break that is no part of the secret.
            text.trim_end_matches(['\n', '\r']).to_owned()
        }
        _ => return Err(format!("`{from}` is neither `env:NAME` nor `file:PATH`")),
    };
    if value.is_empty() { Err("it is empty".to_owned()) } else { Ok(value) }
}
