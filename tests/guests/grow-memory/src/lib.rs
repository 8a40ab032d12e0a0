//! Takes memory until there is none left.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct GrowMemory;

impl Step for GrowMemory {
    fn describe() -> Manifest {
        Manifest::new("grow-memory", "0.1.0", "Takes memory until there is none left.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        loop {
            // Written to, so that it is really there.
            kept.push(vec![task.seed as u8 | 1; 1 << 20]);
            std::hint::black_box(&kept);
        }
    }
}

runner_plugin_sdk::export_step!(GrowMemory);
