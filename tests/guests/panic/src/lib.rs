//! Panics.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct Panic;

impl Step for Panic {
    fn describe() -> Manifest {
        Manifest::new("panic", "0.1.0", "Panics.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let rows: Vec<u64> = Vec::new();
        let first = rows.first().expect("the table has rows");
        Err(Failure::failed(format!("{} found {first}", task.step)))
    }
}

runner_plugin_sdk::export_step!(Panic);
