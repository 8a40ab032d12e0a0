//! Connects to a loopback address, and with `name` set looks that up first.

use std::net::TcpStream;

use runner_plugin_sdk::{Failure, Kind, Manifest, Port, Step, Task};

struct DialNetwork;

#[derive(serde::Deserialize)]
struct Config {
    name: Option<String>,
}

impl Step for DialNetwork {
    fn describe() -> Manifest {
        Manifest::new(
            "dial-network",
            "0.1.0",
            "Connects to a loopback address, and with `name` set looks that up first.",
        )
        .input(Port::optional("data", Kind::Any, "Anything."))
        .output(Port::optional_output("data", Kind::Any, "data.bin", "Anything."))
        .config_schema(serde_json::json!({
            "type": "object",
            "properties": { "name": { "type": "string" } },
            "additionalProperties": false,
        }))
    }

    fn run(task: Task) -> Result<(), Failure> {
        let config: Config = task.config()?;
        let dialled = match &config.name {
            Some(name) => TcpStream::connect((name.as_str(), 80)),
            None => TcpStream::connect("127.0.0.1:80"),
        };
        match dialled {
            Ok(_) => Err(Failure::input("ESCAPED: connected")),
            Err(error) => Err(Failure::failed(format!("cannot connect: {error}"))),
        }
    }
}

runner_plugin_sdk::export_step!(DialNetwork);
