//! Waits for a moment that never comes.

use wasip2::clocks::monotonic_clock;

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct BlockOnPoll;

impl Step for BlockOnPoll {
    fn describe() -> Manifest {
        Manifest::new("block-on-poll", "0.1.0", "Waits for a moment that never comes.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        monotonic_clock::subscribe_duration(u64::MAX).block();
        Err(Failure::failed(format!("{} has waited", task.step)))
    }
}

runner_plugin_sdk::export_step!(BlockOnPoll);
