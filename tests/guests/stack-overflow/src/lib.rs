//! Calls itself until the stack is exhausted.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct StackOverflow;

fn descend(number: u64) -> u64 {
    if std::hint::black_box(number) == u64::MAX { 0 } else { descend(number + 1).wrapping_mul(3) }
}

impl Step for StackOverflow {
    fn describe() -> Manifest {
        Manifest::new("stack-overflow", "0.1.0", "Calls itself until the stack is exhausted.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        Err(Failure::failed(descend(task.seed)))
    }
}

runner_plugin_sdk::export_step!(StackOverflow);
