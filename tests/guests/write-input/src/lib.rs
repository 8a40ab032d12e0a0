//! Changes its input in every way there is.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct WriteInput;

impl Step for WriteInput {
    fn describe() -> Manifest {
        Manifest::new("write-input", "0.1.0", "Changes its input in every way there is.")
            .input(Port::optional("data", Kind::Any, "Anything."))
            .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let input = task.input("data")?;
        let folder = input.parent().ok_or_else(|| Failure::input("no folder"))?;
        let ways: [(&str, std::io::Result<()>); 8] = [
            ("overwrite", fs::write(input, "changed")),
            (
                "append",
                OpenOptions::new().append(true).open(input).and_then(|mut file| file.write_all(b"more")),
            ),
            ("truncate", OpenOptions::new().write(true).truncate(true).open(input).map(drop)),
            ("create", fs::write(folder.join("new"), "new")),
            ("rename", fs::rename(input, folder.join("other"))),
            ("move", fs::rename(input, "/out/moved")),
            ("link", fs::hard_link(input, "/out/linked")),
            ("remove", fs::remove_file(input)),
        ];
        match ways.iter().find(|(_, result)| result.is_ok()) {
            Some((way, _)) => Err(Failure::input(format!("ESCAPED: could {way}"))),
            None => Err(Failure::failed("every change is refused")),
        }
    }
}

runner_plugin_sdk::export_step!(WriteInput);
