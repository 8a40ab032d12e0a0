//! The WebAssembly engine and the clock that interrupts what it runs.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    thread,
};

use wasmtime::{Config, Engine, component::Linker};

use crate::{
    limits::{FIBER_STACK, TICK, WASM_STACK},
    offer,
    state::CallState,
};

/// The engine with everything plugins can call.
pub(crate) struct Machine {
    /// The engine.
    pub(crate) engine: Engine,
    /// What plugins can call.
    pub(crate) linker: Linker<CallState>,
}

impl Machine {
    /// Starts an engine and its clock. The clock's thread ends when the last user of the engine is gone.
    pub(crate) fn start() -> wasmtime::Result<Self> {
        let engine = Engine::new(&config())?;
        let linker = offer::linker(&engine)?;
        let weak = engine.weak();
        thread::Builder::new().name("plugin-clock".into()).spawn(move || {
            loop {
                thread::sleep(TICK);
                match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
        Ok(Self { engine, linker })
    }

    /// Changes whenever code compiled before could not be used any more: with the version of the engine, its settings
    /// and the processor it compiles for.
    pub(crate) fn code_compatibility(&self) -> u64 {
        // Keys are fixed in this hasher, so that the value is the same in every process of one build.
        let mut hasher = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        // No message shows where in the code a trap came from; the tables for that are a sixth of what is compiled.
        .generate_address_map(false)
        .native_unwind_info(false)
        // The same results on every processor.
        .relaxed_simd_deterministic(true)
        // Contract 0.1 has no use for them: less to trust.
        .wasm_memory64(false)
        .concurrency_support(false);
    config
}
