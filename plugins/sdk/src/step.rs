//! A step of a workflow: named inputs to named outputs.

use crate::{Failure, Manifest, Task};

/// A step of a workflow: named inputs to named outputs. Hand the type to [`export_step!`](crate::export_step).
pub trait Step {
    /// Says what this plugin is. Runs without any capability, and must be the same every time.
    fn describe() -> Manifest;

    /// Does the work. The same task with the same seed must give the same outputs.
    ///
    /// # Errors
    /// Whatever keeps the step from succeeding, in words for the person who wrote the workflow.
    fn run(task: Task) -> Result<(), Failure>;
}

/// Exports a type that implements [`Step`] as the component's world `step`, once per crate.
///
/// On a native target it adds one test instead: that the manifest is sound.
#[macro_export]
macro_rules! export_step {
    ($step:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Component = $crate::component::StepComponent<$step>;
    $crate::component::step::export!(Component with_types_in $crate::component::step);
        };

        // On the machine's own target nothing calls the step but its tests; it is in use all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$step as $crate::Step>::describe;
            let _ = <$step as $crate::Step>::run;
        };

        #[cfg(all(test, not(target_family = "wasm")))]
        #[test]
        fn runner_plugin_manifest() {
            $crate::manifest_test::check(&<$step as $crate::Step>::describe());
        }
    };
}
