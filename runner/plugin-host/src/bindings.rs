//! Generated from `wit/runner-plugin`: the contract as Rust types.

mod generated {
    pub(crate) mod step {
        wasmtime::component::bindgen!({
            path: "../../wit/runner-plugin",
            world: "step",
            imports: { default: trappable },
            exports: { default: async },
        });
    }

    pub(crate) mod deployer {
        wasmtime::component::bindgen!({
            path: "../../wit/runner-plugin",
            world: "deployer",
            imports: { default: trappable },
            exports: { default: async },
            with: {
                "runner:plugin/types": super::step::runner::plugin::types,
                "runner:plugin/host": super::step::runner::plugin::host,
            },
        });
    }
}

pub(crate) use generated::{
    deployer::{DeployerPre, Deployment},
    step::{
        Step, StepPre,
        runner::plugin::{host, types},
    },
};
