//! Hands the host one log line of 64 MiB.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task, host};

struct HugeCall;

impl Step for HugeCall {
    fn describe() -> Manifest {
        Manifest::new("huge-call", "0.1.0", "Hands the host one log line of 64 MiB.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        host::info("x".repeat(64 << 20));
        Err(Failure::failed(format!("{} could", task.step)))
    }
}

runner_plugin_sdk::export_step!(HugeCall);
