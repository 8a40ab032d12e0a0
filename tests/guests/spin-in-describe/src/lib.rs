//! Never says what it is.

use runner_plugin_sdk::{Failure, Manifest, Step, Task};

struct SpinInDescribe;

impl Step for SpinInDescribe {
    fn describe() -> Manifest {
        let mut number = 1_u64;
        loop {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
    }

    fn run(task: Task) -> Result<(), Failure> {
        Err(Failure::failed(format!("{} should not run", task.step)))
    }
}

runner_plugin_sdk::export_step!(SpinInDescribe);
