//! Opens its input again and again and keeps every file open.

use std::fs::File;

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct OpenHandles;

impl Step for OpenHandles {
    fn describe() -> Manifest {
        Manifest::new("open-handles", "0.1.0", "Opens its input again and again and keeps every file open.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let path = task.input("data")?;
        let mut open = Vec::new();
        loop {
            open.push(File::open(path).map_err(Failure::unreadable(path))?);
        }
    }
}

runner_plugin_sdk::export_step!(OpenHandles);
