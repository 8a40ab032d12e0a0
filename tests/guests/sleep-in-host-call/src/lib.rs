//! Sleeps for an hour.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct SleepInHostCall;

impl Step for SleepInHostCall {
    fn describe() -> Manifest {
        Manifest::new("sleep-in-host-call", "0.1.0", "Sleeps for an hour.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        std::thread::sleep(std::time::Duration::from_secs(3600));
        Err(Failure::failed(format!("{} has slept", task.step)))
    }
}

runner_plugin_sdk::export_step!(SleepInHostCall);
