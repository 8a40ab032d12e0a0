//! Reports progress without pause.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task, host};

struct FloodProgress;

impl Step for FloodProgress {
    fn describe() -> Manifest {
        Manifest::new("flood-progress", "0.1.0", "Reports progress without pause.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        for number in 0..1_000_000 {
            host::progress(f64::from(number) / 1e6, task.step.as_str());
        }
        for fraction in [f64::NAN, f64::INFINITY, -1.0, 2.0] {
            host::progress(fraction, "odd");
        }
        Ok(())
    }
}

runner_plugin_sdk::export_step!(FloodProgress);
