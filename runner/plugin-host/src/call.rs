//! One call into a plugin, under its meter, its deadline and its caps.

use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline};

use crate::{
    limits::{CALL_BYTES, COMPONENT_HANDLES, Caps},
    machine::Machine,
    outputs::OutputWatch,
    state::CallState,
    stop::Deadline,
};

/// A call that is about to be made. Its clock is running.
pub(crate) struct Call {
    /// The plugin's world.
    pub(crate) store: Store<CallState>,
    deadline: Deadline,
}

impl Call {
    /// Prepares a call with `state`. From here on `caps.time` passes.
    pub(crate) fn new(
        machine: &Machine,
        state: CallState,
        caps: &Caps,
        cancel: CancellationToken,
        mut outputs: Option<OutputWatch>,
    ) -> Self {
        let deadline = Deadline::after(caps.time, cancel);
        let mut store = Store::new(&machine.engine, state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(CALL_BYTES);
        store.set_max_component_handles(COMPONENT_HANDLES);
        store.set_epoch_deadline(1);
        let watched = deadline.clone();
        store.epoch_deadline_callback(move |mut context| {
            let checked = watched.check().and_then(|()| match &mut outputs {
                Some(outputs) => outputs.tick(),
                None => Ok(()),
            });
            match checked {
                // Tokio's own way to yield lets timers and other input run first.
                Ok(()) => Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))),
                Err(stop) => Err(context.data_mut().stopped(stop)),
            }
        });
        Self { store, deadline }
    }

    /// Makes the call. Three clocks end it: the engine's ticks while the plugin computes, this timer while it waits in
    /// a host call, and the cancellation at either. Nothing a plugin can reach blocks a thread for long.
    pub(crate) async fn make<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Store<CallState>) -> wasmtime::Result<T>,
    ) -> wasmtime::Result<T> {
        let Self { store, deadline } = self;
        let stop = tokio::select! {
            biased;
            stop = deadline.passed() => stop,
            result = work(store) => return result,
        };
        Err(store.data_mut().stopped(stop))
    }
}
