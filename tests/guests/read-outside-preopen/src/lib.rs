//! Reads files that it was not shown.

use std::fs;

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct ReadOutsidePreopen;

impl Step for ReadOutsidePreopen {
    fn describe() -> Manifest {
        Manifest::new("read-outside-preopen", "0.1.0", "Reads files that it was not shown.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let mut refusals = Vec::new();
        for path in [
            "/etc/passwd",
            "/proc/self/environ",
            "/",
            "/in",
            "/workspace/secret.txt",
            "/in/data/../../etc/passwd",
            "etc/passwd",
            ".",
        ] {
            match fs::read(path) {
                Ok(bytes) => {
                    return Err(Failure::input(format!("ESCAPED: {path} has {} bytes", bytes.len())));
                }
                Err(error) => refusals.push(format!("{path}: {error}")),
            }
            if let Ok(entries) = fs::read_dir(path) {
                return Err(Failure::input(format!("ESCAPED: {path} has {} entries", entries.count())));
            }
        }
        Err(Failure::failed(format!("{} is refused: {}", task.step, refusals.join("; "))))
    }
}

runner_plugin_sdk::export_step!(ReadOutsidePreopen);
