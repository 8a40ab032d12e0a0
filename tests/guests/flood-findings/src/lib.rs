//! Reports 100,000 findings of 100 kB each.

use runner_plugin_sdk::{Failure, Finding, Kind, Manifest, Port, Severity, Step, Task, host};

struct FloodFindings;

impl Step for FloodFindings {
    fn describe() -> Manifest {
        Manifest::new("flood-findings", "0.1.0", "Reports 100,000 findings of 100 kB each.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let text = "x".repeat(100_000);
        for number in 0..100_000 {
            host::finding(
                Finding::new(Severity::Error, "too-much", text.as_str()).example(number, text.as_str()),
            );
        }
        host::info(format!("{} is done", task.step));
        Ok(())
    }
}

runner_plugin_sdk::export_step!(FloodFindings);
