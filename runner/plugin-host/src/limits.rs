//! Every limit of the sandbox, in one place.
//!
//! A workflow may change those that are in [`runner_workflow::plan::Limits`]; the others protect the host and are fixed.

use std::time::Duration;

use runner_engine::executor::StepRequest;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// How often running plugins are looked at: every deadline and cancellation is seen within about twice this.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Least time between two measurements of the output folder while a plugin runs.
pub(crate) const OUTPUT_CHECK: Duration = Duration::from_millis(100);

/// Bytes of a component file.
pub(crate) const COMPONENT_BYTES: u64 = 128 * MIB;
/// Bytes of machine stack for the plugin's own calls.
pub(crate) const WASM_STACK: usize = 1 << 20;
/// Bytes of machine stack in all: the plugin's and those of the host functions it calls.
pub(crate) const FIBER_STACK: usize = 2 << 20;
/// Elements of all tables together (8 bytes each on the host).
pub(crate) const TABLE_ELEMENTS: usize = 1_000_000;
/// Core instances of one component.
pub(crate) const INSTANCES: usize = 100;
/// Tables of one component.
pub(crate) const TABLES: usize = 100;
/// Linear memories of one component.
pub(crate) const MEMORIES: usize = 16;
/// Open files, folders, streams and timers at once: keeps a plugin from using up the process's file descriptors.
pub(crate) const OPEN_HANDLES: usize = 256;
/// Component handles at once.
pub(crate) const COMPONENT_HANDLES: usize = 10_000;
/// Bytes that one call may move from the plugin to the host.
pub(crate) const CALL_BYTES: usize = 16 << 20;
/// Bytes of one request for random numbers.
pub(crate) const RANDOM_BYTES: u64 = MIB;
/// Files and folders in the outputs together.
pub(crate) const OUTPUT_FILES: u64 = 10_000;
/// Entries of a folder input or a granted folder that are looked at for what is not a file.
pub(crate) const FOLDER_ENTRIES: usize = 1_000_000;

/// Bytes of one line of the log; longer ones go on in the next line.
pub(crate) const LINE: usize = 16 * 1024;
/// Bytes of a message shown to people.
pub(crate) const MESSAGE: usize = 16 * 1024;
/// Bytes of a name: of a metric, a rule, a column.
pub(crate) const NAME: usize = 256;
/// Columns of one slice.
pub(crate) const SLICE_COLUMNS: usize = 16;
/// Bytes of one value of a slice.
pub(crate) const SLICE_VALUE: usize = 1024;
/// Example rows of one finding.
pub(crate) const FINDING_ROWS: usize = 20;
/// Bytes of one example value.
pub(crate) const EXAMPLE: usize = 1024;
/// Least time between two reports of progress; those in between are left out.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_millis(50);
/// Bytes of the JSON Schema in a manifest.
pub(crate) const SCHEMA_BYTES: usize = 1 << 20;
/// Entries of each list in a manifest.
pub(crate) const MANIFEST_ENTRIES: usize = 256;

/// Caps of one call.
#[derive(Debug, Clone)]
pub(crate) struct Caps {
    /// Bytes of all linear memories together.
    pub(crate) memory: u64,
    /// Time from the start of the call.
    pub(crate) time: Duration,
    /// Apparent bytes of all outputs together (holes of sparse files count).
    pub(crate) output: u64,
    /// Bytes of log.
    pub(crate) log: u64,
    /// Reports of metrics.
    pub(crate) metrics: u64,
    /// Findings that are kept.
    pub(crate) findings: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            memory: 1024 * MIB,
            time: Duration::from_mins(10),
            output: 1024 * MIB,
            log: MIB,
            metrics: 10_000,
            findings: 1_000,
        }
    }
}

impl Caps {
    /// What a step may use: the workflow's limits over the defaults. Of `timeout:` and `limits.time` the smaller counts.
    pub(crate) fn of(request: &StepRequest) -> Self {
        let (limits, default) = (&request.limits, Self::default());
        let time = match (limits.time, request.timeout) {
            (Some(limit), Some(timeout)) => limit.min(timeout),
            (one, other) => one.or(other).unwrap_or(default.time),
        };
        Self {
            memory: limits.memory.unwrap_or(default.memory),
            time,
            output: limits.output.unwrap_or(default.output),
            log: limits.log.unwrap_or(default.log),
            metrics: limits.metrics.unwrap_or(default.metrics),
            findings: limits.findings.unwrap_or(default.findings),
        }
    }

    /// What `describe` may use. Generous for an honest manifest, too little to be a nuisance.
    pub(crate) fn describe() -> Self {
        Self {
            memory: 256 * MIB,
            time: Duration::from_secs(5),
            output: 0,
            log: 64 * KIB,
            metrics: 0,
            findings: 0,
        }
    }
}
