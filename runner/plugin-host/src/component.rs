//! From bytes to something that can be called: what the bytes are, their code, and the world they implement.

use runner_engine::executor::ExecutorError;
use wasmtime::component::Component;

use crate::{
    bindings::{DeployerPre, Deployment, StepPre, types},
    cache::CodeCache,
    call::Call,
    error::{WithHelp as _, environment, usage},
    limits::COMPONENT_BYTES,
    machine::Machine,
    state::CallState,
};

const EXPECTED: &str =
    "expected a WebAssembly component of the world `step` or `deployer` of runner:plugin@0.1.0";

/// A plugin, ready to be instantiated any number of times.
pub(crate) enum Plugin {
    /// World `step`.
    Step(StepPre<CallState>),
    /// World `deployer`.
    Deployer(DeployerPre<CallState>),
}

/// Refuses what is not a component, by its first bytes.
pub(crate) fn inspect(name: &str, bytes: &[u8]) -> Result<(), ExecutorError> {
    const MAGIC: &[u8] = b"\0asm";
    // The version and layer of a preamble: core modules are layer 0, components layer 1.
    const CORE: &[u8] = &[1, 0, 0, 0];
    const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];

    if bytes.len() as u64 > COMPONENT_BYTES {
        return Err(usage("plugin::too-large", format!("{name} is larger than {COMPONENT_BYTES} bytes")));
    }
    let Some(preamble) = bytes.strip_prefix(MAGIC) else {
        let message = format!("{name} is not WebAssembly: {EXPECTED}");
        return Err(usage("plugin::not-wasm", message));
    };
    if preamble.starts_with(CORE) {
        let message = format!("{name} is a core WebAssembly module: {EXPECTED}");
        return Err(usage("plugin::core-module", message)
            .with_help("build it for the target wasm32-wasip2, which makes components"));
    }
    if !preamble.starts_with(COMPONENT) {
        let message = format!("{name} is WebAssembly of a version that is not known: {EXPECTED}");
        return Err(usage("plugin::unknown-version", message));
    }
    Ok(())
}

impl Plugin {
    /// Takes the code from the cache, if it is there and good.
    pub(crate) fn compiled_before(
        machine: &Machine,
        cache: &CodeCache,
        name: &str,
        digest: &str,
    ) -> Option<Result<Self, ExecutorError>> {
        let key = CodeCache::key(digest, machine.code_compatibility());
        let component = cache.load(&machine.engine, &key)?;
        Some(Self::of(machine, name, &component))
    }

    /// Compiles it and leaves the code in the cache. Takes long; not for a thread that others wait for.
    pub(crate) fn compile(
        machine: &Machine,
        cache: &CodeCache,
        name: &str,
        digest: &str,
        bytes: &[u8],
    ) -> Result<Self, ExecutorError> {
        inspect(name, bytes)?;
        let component = Component::from_binary(&machine.engine, bytes).map_err(|error| {
            environment("plugin::invalid-component", format!("{name} is not a valid component: {error:#}"))
                .with_help("the file is cut off or damaged, or uses features that this version does not know")
        })?;
        cache.store(&CodeCache::key(digest, machine.code_compatibility()), &component);
        Self::of(machine, name, &component)
    }

    fn of(machine: &Machine, name: &str, component: &Component) -> Result<Self, ExecutorError> {
        let exported: Vec<String> = component
            .component_type()
            .exports(&machine.engine)
            .map(|(export, _)| export.to_owned())
            .collect();
        let has = |name: &str| exported.iter().any(|export| export == name);
        let pre = machine.linker.instantiate_pre(component).map_err(|error| {
            usage("plugin::unknown-import", format!("{name} imports what no plugin is offered: {error:#}"))
                .with_help("plugins get the host interface of runner:plugin@0.1.0 and WASI 0.2 without HTTP")
        })?;
        let wrong = |reason: String| usage("plugin::wrong-world", format!("{name} {reason}: {EXPECTED}"));
        let unusable = |error: wasmtime::Error| wrong(format!("does not fit its world ({error:#})"));
        if !has("describe") {
            return Err(wrong("does not export `describe`".into()));
        }
        if has("run") {
            StepPre::new(pre).map(Self::Step).map_err(unusable)
        } else if has("apply") {
            DeployerPre::new(pre).map(Self::Deployer).map_err(unusable)
        } else {
            Err(wrong("exports neither `run` nor `apply`".into()))
        }
    }

    /// Asks it what it is.
    pub(crate) async fn describe(&self, call: &mut Call) -> wasmtime::Result<types::Manifest> {
        call.make(async |store| match self {
            Self::Step(pre) => pre.instantiate_async(&mut *store).await?.call_describe(store).await,
            Self::Deployer(pre) => pre.instantiate_async(&mut *store).await?.call_describe(store).await,
        })
        .await
    }

    /// Lets it work. A deployer applies, and says what is in service then.
    pub(crate) async fn run(
        &self,
        call: &mut Call,
        task: &types::Task,
    ) -> wasmtime::Result<Result<Option<Deployment>, types::Failure>> {
        call.make(async |store| match self {
            Self::Step(pre) => {
                let plugin = pre.instantiate_async(&mut *store).await?;
                Ok(plugin.call_run(store, task).await?.map(|()| None))
            }
            Self::Deployer(pre) => {
                let plugin = pre.instantiate_async(&mut *store).await?;
                Ok(plugin.call_apply(store, task).await?.map(Some))
            }
        })
        .await
    }
}
