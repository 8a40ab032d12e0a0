//! Never returns and never calls the host.

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct LoopForever;

impl Step for LoopForever {
    fn describe() -> Manifest {
        Manifest::new("loop-forever", "0.1.0", "Never returns and never calls the host.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let mut number = task.seed | 1;
        loop {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }
}

runner_plugin_sdk::export_step!(LoopForever);
