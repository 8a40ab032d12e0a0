//! Logs and prints far more than anybody reads.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task, host};

struct FloodLog;

impl Step for FloodLog {
    fn describe() -> Manifest {
        Manifest::new("flood-log", "0.1.0", "Logs and prints far more than anybody reads.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let line = "x".repeat(1000);
        for number in 0..50_000 {
            host::info(format!("{number} {line}"));
            println!("{number} {line}");
            eprint!("{line}");
        }
        host::info(format!("{} is done", task.step));
        Ok(())
    }
}

runner_plugin_sdk::export_step!(FloodLog);
