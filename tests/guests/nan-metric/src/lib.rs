//! Reports metrics that are not numbers.

use runner_plugin_sdk::{Failure, Kind, Manifest, Metric, Port, Step, Task, host};

struct NanMetric;

impl Step for NanMetric {
    fn describe() -> Manifest {
        Manifest::new("nan-metric", "0.1.0", "Reports metrics that are not numbers.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        host::metric(Metric::new("not_a_number", f64::NAN).slice("step", task.step));
        host::metric(Metric::new("infinite", f64::INFINITY));
        host::metric(Metric::new("minus_infinite", f64::NEG_INFINITY));
        Ok(())
    }
}

runner_plugin_sdk::export_step!(NanMetric);
