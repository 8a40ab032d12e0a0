//! Says what it can see: arguments, environment, folders, clock and randomness.

use std::{env, io::Read as _, time::SystemTime};

use wasip2::{
    filesystem::preopens::get_directories,
    random::{insecure_seed, random},
};

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task, host};

struct LookAround;

impl Step for LookAround {
    fn describe() -> Manifest {
        Manifest::new(
            "look-around",
            "0.1.0",
            "Says what it can see: arguments, environment, folders, clock and randomness.",
        )
        .input(Port::optional("data", Kind::Any, "Anything."))
        .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
    }

    fn run(task: Task) -> Result<(), Failure> {
        host::info(format!("arguments: {:?}", env::args().collect::<Vec<_>>()));
        let mut variables: Vec<_> = env::vars().collect();
        variables.sort();
        host::info(format!("environment: {variables:?}"));
        for (folder, name) in get_directories() {
            let mut names = Vec::new();
            if let Ok(stream) = folder.read_directory() {
                while let Ok(Some(entry)) = stream.read_directory_entry() {
                    names.push(entry.name);
                }
            }
            names.sort();
            host::info(format!("folder {name}: {names:?}"));
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(Failure::failed)?;
        host::info(format!("clock: {}", now.as_secs()));
        host::info(format!("random: {} {:?}", random::get_random_u64(), insecure_seed::insecure_seed()));
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).map_err(Failure::failed)?;
        host::info(format!("standard input: {input:?}"));
        host::info(format!("task: {task:?}"));
        Ok(())
    }
}

runner_plugin_sdk::export_step!(LookAround);
