//! Says that a model is in service.

use runner_plugin_sdk::{Deployer, Deployment, Failure, Kind, Manifest, Port, Task};

struct Deploy;

impl Deployer for Deploy {
    fn describe() -> Manifest {
        Manifest::new("deploy", "0.1.0", "Says that a model is in service.").input(Port::required(
            "model",
            Kind::Model,
            "Any model.",
        ))
    }

    fn apply(task: Task) -> Result<Deployment, Failure> {
        let path = task.input("model")?;
        let bytes = std::fs::read(path).map_err(Failure::unreadable(path))?;
        Ok(Deployment {
            model_digest: format!("{} bytes", bytes.len()),
            revision: "1".into(),
            healthy: true,
            message: "as good as served".into(),
        })
    }

    fn status(task: Task) -> Result<Deployment, Failure> {
        Self::apply(task)
    }

    fn rollback(task: Task, _revision: &str) -> Result<Deployment, Failure> {
        Self::apply(task)
    }
}

runner_plugin_sdk::export_deployer!(Deploy);
