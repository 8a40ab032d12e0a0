//! Leaves its folders by way of `..` and absolute paths, past the checks of the standard library.

use wasip2::filesystem::{
    preopens::get_directories,
    types::{DescriptorFlags, OpenFlags, PathFlags},
};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct DotdotEscape;

impl Step for DotdotEscape {
    fn describe() -> Manifest {
        Manifest::new(
            "dotdot-escape",
            "0.1.0",
            "Leaves its folders by way of `..` and absolute paths, past the checks of the standard library.",
        )
        .input(Port::optional("data", Kind::Any, "Anything."))
        .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let paths = [
            "..",
            "../..",
            "../../../../../../etc/passwd",
            "/etc/passwd",
            "./../etc/passwd",
            "//etc/passwd",
            "a/../../etc",
        ];
        let mut tried = 0;
        for (folder, name) in get_directories() {
            for path in paths {
                for follow in [PathFlags::empty(), PathFlags::SYMLINK_FOLLOW] {
                    tried += 1;
                    if folder.open_at(follow, path, OpenFlags::empty(), DescriptorFlags::READ).is_ok() {
                        return Err(Failure::input(format!("ESCAPED: {path} from {name}")));
                    }
                    if folder.stat_at(follow, path).is_ok() || folder.readlink_at(path).is_ok() {
                        return Err(Failure::input(format!("ESCAPED: seen {path} from {name}")));
                    }
                }
                if folder.create_directory_at("../escaped").is_ok()
                    || folder.unlink_file_at("../data.csv").is_ok()
                {
                    return Err(Failure::input(format!("ESCAPED: changed {path} from {name}")));
                }
            }
        }
        Err(Failure::failed(format!("{} is refused {tried} times", task.step)))
    }
}

runner_plugin_sdk::export_step!(DotdotEscape);
