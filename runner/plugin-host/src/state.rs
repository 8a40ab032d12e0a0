//! What belongs to one call: the plugin's view of WASI, its meter, its reports, and why the host stopped it.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{
    bindings::{host, types},
    limits::{Caps, OPEN_HANDLES},
    meter::Meter,
    reports::Reports,
    stop::Stop,
};

/// Data of one store.
pub(crate) struct CallState {
    wasi: WasiCtx,
    /// Open handles of the plugin.
    pub(crate) table: ResourceTable,
    /// Memory and tables.
    pub(crate) meter: Meter,
    /// Where it reports to; nowhere during `describe`.
    pub(crate) reports: Option<Reports>,
    /// The first use of the network that was refused, in words.
    pub(crate) network_denied: Option<String>,
    /// Why the host ended the call.
    pub(crate) stop: Option<Stop>,
}

impl CallState {
    /// State of a new call.
    pub(crate) fn new(wasi: WasiCtx, caps: &Caps, reports: Option<Reports>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(OPEN_HANDLES);
        Self { wasi, table, meter: Meter::new(caps), reports, network_denied: None, stop: None }
    }

    /// Remembers why the call ends, for whoever looks after the error has travelled through the plugin.
    pub(crate) fn stopped(&mut self, stop: Stop) -> wasmtime::Error {
        self.stop.get_or_insert_with(|| stop.clone());
        wasmtime::Error::new(stop)
    }
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for CallState {}

impl host::Host for CallState {
    fn log(&mut self, level: host::LogLevel, message: String) -> wasmtime::Result<()> {
        if let Some(reports) = &self.reports {
            reports.line(level, &message);
        }
        Ok(())
    }

    fn progress(&mut self, fraction: f64, message: String) -> wasmtime::Result<()> {
        if let Some(reports) = &mut self.reports {
            reports.progress(fraction, &message);
        }
        Ok(())
    }

    fn report_metric(&mut self, metric: host::Metric) -> wasmtime::Result<()> {
        match &mut self.reports {
            Some(reports) => reports.metric(metric).map_err(|stop| self.stopped(stop)),
            None => Ok(()),
        }
    }

    fn report_finding(&mut self, finding: host::Finding) -> wasmtime::Result<()> {
        if let Some(reports) = &mut self.reports {
            reports.finding(finding);
        }
        Ok(())
    }
}
