//! Does what its configuration says: the deeds of the executor contract.

use std::{fs, thread::sleep, time::Duration};

use runner_plugin_sdk::{Failure, Kind, Manifest, Metric, Port, Step, Task, host};

struct Obey;

#[derive(serde::Deserialize)]
struct Config {
    deed: Deed,
    /// What to write or log.
    #[serde(default)]
    text: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Deed {
    Write,
    Copy,
    Fail,
    Linger,
    Log,
    Report,
}

impl Step for Obey {
    fn describe() -> Manifest {
        Manifest::new("obey", "0.1.0", "Does what its configuration says.")
            .input(Port::optional("data", Kind::Any, "What to copy."))
            .output(Port::optional_output("result", Kind::Any, "result.txt", "What was written."))
            .config_schema(serde_json::json!({
                "type": "object",
                "properties": {
                    "deed": { "enum": ["write", "copy", "fail", "linger", "log", "report"] },
                    "text": { "type": "string" },
                },
                "required": ["deed"],
                "additionalProperties": false,
            }))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let result = task.required_output("result")?;
        match config.deed {
            Deed::Write => fs::write(result, config.text).map_err(Failure::unwritable(result)),
            Deed::Copy => {
                fs::copy(task.input("data")?, result).map(drop).map_err(Failure::unwritable(result))
            }
            Deed::Fail => Err(Failure::failed("as it was told to")),
            Deed::Linger => {
                sleep(Duration::from_secs(120));
                Ok(())
            }
            Deed::Log => {
                host::info(config.text);
                Ok(())
            }
            Deed::Report => {
                host::metric(Metric::new("answer", 42.0));
                Ok(())
            }
        }
    }
}

runner_plugin_sdk::export_step!(Obey);
