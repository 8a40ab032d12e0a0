//! The waivers of a workspace: one JSON object a line in a file that is reviewed with the workflow.

use std::{fs, io::Write as _, path::Path};

use runner_engine::waiver::Waiver;

use crate::failure::Failure;

/// Name of the file in the workspace.
pub(crate) const FILE: &str = "runner-waivers.jsonl";

/// All waivers; none where there is no file. One that cannot be read is an error: which gate it was meant for, nobody knows.
pub(crate) fn read(workspace: &Path) -> Result<Vec<Waiver>, Failure> {
    let path = workspace.join(FILE);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| {
            Failure::environment("waiver::unreadable", format!("cannot read {}: {error}", path.display()))
        })?,
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                let number = index + 1;
                Failure::usage("waiver::malformed", format!("{FILE}:{number} is no waiver: {error}"))
                    .help("`runner waive` writes such lines; correct it or remove it")
            })
        })
        .collect()
}

/// Adds a waiver.
pub(crate) fn append(workspace: &Path, waiver: &Waiver) -> Result<(), Failure> {
    // What is there has to be whole first.
    read(workspace)?;
    let path = workspace.join(FILE);
    let failed = |error: std::io::Error| {
        Failure::environment("waiver::write", format!("cannot write {}: {error}", path.display()))
    };
    let mut line = serde_json::to_string(waiver)
        .map_err(|error| Failure::internal(format!("a waiver cannot be written: {error}")))?;
    line.push('\n');
    let complete = fs::read(&path).map_or(true, |bytes| bytes.is_empty() || bytes.ends_with(b"\n"));
    if !complete {
        line.insert(0, '\n');
    }
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
