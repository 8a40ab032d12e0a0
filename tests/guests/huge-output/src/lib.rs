//! Writes without end, or with `sparse: true` makes a file that is one big hole.

use std::{fs::File, io::Write as _, path::Path};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct HugeOutput;

#[derive(serde::Deserialize)]
struct Config {
    #[serde(default)]
    sparse: bool,
}

impl Step for HugeOutput {
    fn describe() -> Manifest {
        Manifest::new(
            "huge-output",
            "0.1.0",
            "Writes without end, or with `sparse: true` makes a file that is one big hole.",
        )
        .input(Port::optional("data", Kind::Any, "Anything."))
        .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
        .config_schema(serde_json::json!({
            "type": "object",
            "properties": { "sparse": { "type": "boolean" } },
            "additionalProperties": false,
        }))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let path = task.output("data").unwrap_or(Path::new("/out/huge"));
        let mut file = File::create(path).map_err(Failure::unwritable(path))?;
        if config.sparse {
            return file.set_len(1 << 40).map_err(Failure::unwritable(path));
        }
        let block = vec![1; 1 << 16];
        loop {
            file.write_all(&block).map_err(Failure::unwritable(path))?;
        }
    }
}

runner_plugin_sdk::export_step!(HugeOutput);
