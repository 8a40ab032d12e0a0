//! Makes symbolic links that lead out of its folders, follows them, and with `leave: true` leaves them behind as outputs.

use wasip2::filesystem::{
    preopens::get_directories,
    types::{DescriptorFlags, OpenFlags, PathFlags},
};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct SymlinkEscape;

#[derive(serde::Deserialize)]
struct Config {
    #[serde(default)]
    leave: bool,
}

impl Step for SymlinkEscape {
    fn describe() -> Manifest {
        Manifest::new("symlink-escape", "0.1.0", "Makes symbolic links that lead out of its folders, follows them, and with `leave: true` leaves them behind as outputs.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
            .config_schema(serde_json::json!({
                "type": "object",
                "properties": { "leave": { "type": "boolean" } },
                "additionalProperties": false,
            }))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let targets = ["/etc/passwd", "../../../../../../../../etc/passwd", "..", "/in/data"];
        let mut made = Vec::new();
        for (folder, name) in get_directories() {
            for (index, target) in targets.into_iter().enumerate() {
                let link = format!("link-{index}");
                if folder.symlink_at(target, &link).is_err() {
                    continue;
                }
                made.push(format!("{name}/{link} -> {target}"));
                for flags in [OpenFlags::empty(), OpenFlags::DIRECTORY] {
                    if folder.open_at(PathFlags::SYMLINK_FOLLOW, &link, flags, DescriptorFlags::READ).is_ok()
                    {
                        return Err(Failure::input(format!("ESCAPED: {target} from {name}")));
                    }
                }
            }
        }
        if config.leave {
            return Ok(());
        }
        Err(Failure::failed(format!("made {}, could follow none", made.join(", "))))
    }
}

runner_plugin_sdk::export_step!(SymlinkEscape);
