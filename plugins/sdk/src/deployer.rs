//! A plugin that puts a model into service.

use serde::{Deserialize, Serialize};

use crate::{Failure, Manifest, Task};

/// What is in service at the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Digest of the model in service (`sha256:...`); empty if none is.
    pub model_digest: String,
    /// Identifies this deployment at the target; given back to [`Deployer::rollback`].
    pub revision: String,
    /// Whether the target serves it.
    pub healthy: bool,
    /// One sentence for people.
    pub message: String,
}

/// A plugin that puts a model into service. Hand the type to [`export_deployer!`](crate::export_deployer).
pub trait Deployer {
    /// Says what this plugin is. Runs without any capability, and must be the same every time.
    fn describe() -> Manifest;

    /// Brings the model named by the input `model` into service. Doing it again with the same model changes nothing.
    ///
    /// # Errors
    /// Whatever keeps the model from being served.
    fn apply(task: Task) -> Result<Deployment, Failure>;

    /// Says what is in service. Changes nothing.
    ///
    /// # Errors
    /// Whatever keeps the target from being asked.
    fn status(task: Task) -> Result<Deployment, Failure>;

    /// Brings the given revision back into service.
    ///
    /// # Errors
    /// Whatever keeps the revision from being served, such as that the target no longer has it.
    fn rollback(task: Task, revision: &str) -> Result<Deployment, Failure>;
}

/// Exports a type that implements [`Deployer`] as the component's world `deployer`, once per crate.
///
/// On a native target it adds one test instead: that the manifest is sound.
#[macro_export]
macro_rules! export_deployer {
    ($deployer:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Component = $crate::component::DeployerComponent<$deployer>;
    $crate::component::deployer::export!(Component with_types_in $crate::component::deployer);
        };

        // On the machine's own target nothing calls the deployer but its tests; it is in use all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$deployer as $crate::Deployer>::describe;
            let _ = <$deployer as $crate::Deployer>::apply;
            let _ = <$deployer as $crate::Deployer>::status;
            let _ = <$deployer as $crate::Deployer>::rollback;
        };

        #[cfg(all(test, not(target_family = "wasm")))]
        #[test]
        fn runner_plugin_manifest() {
            $crate::manifest_test::check(&<$deployer as $crate::Deployer>::describe());
        }
    };
}
