//! Makes empty files without end, each in a folder of its own.

use std::{fs, path::Path};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct ManyFiles;

impl Step for ManyFiles {
    fn describe() -> Manifest {
        Manifest::new("many-files", "0.1.0", "Makes empty files without end, each in a folder of its own.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        for number in 0_u64.. {
            let folder = format!("/out/{number}");
            let path = Path::new(&folder);
            fs::create_dir(path)
                .and_then(|()| fs::write(path.join("file"), ""))
                .map_err(Failure::unwritable(path))?;
        }
        Err(Failure::failed(format!("{} ran out of numbers", task.step)))
    }
}

runner_plugin_sdk::export_step!(ManyFiles);
