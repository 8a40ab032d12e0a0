//! Calls the host as often as it can, without end.

use wasip2::{clocks::monotonic_clock, random::random};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct FloodCalls;

impl Step for FloodCalls {
    fn describe() -> Manifest {
        Manifest::new("flood-calls", "0.1.0", "Calls the host as often as it can, without end.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        loop {
            std::hint::black_box((monotonic_clock::now(), random::get_random_bytes(task.seed & 15)));
        }
    }
}

runner_plugin_sdk::export_step!(FloodCalls);
