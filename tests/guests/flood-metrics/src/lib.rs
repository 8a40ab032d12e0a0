//! Reports metrics without end.

use runner_plugin_sdk::{Failure, Kind, Manifest, Metric, Port, Step, Task, host};

struct FloodMetrics;

impl Step for FloodMetrics {
    fn describe() -> Manifest {
        Manifest::new("flood-metrics", "0.1.0", "Reports metrics without end.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        for number in 0_u64.. {
            host::metric(Metric::new(format!("metric_{number}"), number as f64));
        }
        Err(Failure::failed(format!("{} ran out of numbers", task.step)))
    }
}

runner_plugin_sdk::export_step!(FloodMetrics);
