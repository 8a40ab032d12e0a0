//! Copies its input to its output.

use std::fs;

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct Echo;

impl Step for Echo {
    fn describe() -> Manifest {
        Manifest::new("echo", "0.1.0", "Copies its input to its output.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let (from, to) = (task.input("data")?, task.required_output("data")?);
        fs::copy(from, to).map_err(Failure::unwritable(to))?;
        Ok(())
    }
}

runner_plugin_sdk::export_step!(Echo);
