//! The one producer of events: numbers them, masks them, records them and hands them to the consumers.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use runner_store::RunDir;

use crate::{
    event::{EventKind, RunEvent},
    mask::Masker,
    options::EventConsumer,
    outlet::{Delivery, Outlet},
    record::{RunRecord, Summary},
};

/// Longest time between an event and its delivery, and between an event and its record where nothing waits for it.
/// Handing over many events at once costs one wake-up of each consumer instead of one for every event.
const LATENCY: Duration = Duration::from_millis(25);
/// Bytes of unwritten record at which whoever adds to it has to write: steps that flood the log wait for the disk.
const UNWRITTEN: usize = 256 * 1024;
/// Events that wait for delivery at most.
const UNDELIVERED: usize = 1024;
/// How long consumers may take after the last event.
const FINISHING: Duration = Duration::from_secs(10);

/// Where the record goes: `events.jsonl` of a run.
pub(crate) trait EventLog: Send {
    /// Adds whole lines, so that they survive the end of this process.
    fn append(&mut self, lines: &[u8]) -> Result<(), String>;
}

impl EventLog for Arc<RunDir> {
    fn append(&mut self, lines: &[u8]) -> Result<(), String> {
        self.append_events(lines).map_err(|error| error.to_string())
    }
}

/// The event stream of one run. Shared by everything that reports.
pub(crate) struct EventStream {
    shared: Arc<Shared>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    waiting: Condvar,
    masker: Masker,
    run_id: String,
    started: Instant,
}

struct State {
    next_seq: u64,
    log: Box<dyn EventLog>,
    unwritten: Vec<u8>,
    undelivered: Vec<Arc<RunEvent>>,
    delivered_at: Instant,
    outlets: Vec<Outlet>,
    summary: Summary,
    /// Why the record is incomplete. The run must not go on then.
    broken: Option<String>,
    /// The ticker waits to be told that there is something to do.
    idle: bool,
    closed: bool,
}

impl EventStream {
    /// Opens the stream. A consumer whose thread cannot be started is left out with a warning.
    pub(crate) fn open(
        run_id: String,
        masker: Masker,
        log: Box<dyn EventLog>,
        consumers: Vec<Box<dyn EventConsumer>>,
    ) -> Self {
        let mut outlets = Vec::new();
        let mut refused = Vec::new();
        for consumer in consumers {
            let name = consumer.name();
            match Outlet::start(consumer) {
                Ok(outlet) => outlets.push(outlet),
                Err(error) => refused.push(format!("{name} cannot be started: {error}")),
            }
        }
        let now = Instant::now();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                next_seq: 0,
                log,
                unwritten: Vec::with_capacity(8192),
                undelivered: Vec::new(),
                delivered_at: now,
                outlets,
                summary: Summary::default(),
                broken: None,
                idle: false,
                closed: false,
            }),
            waiting: Condvar::new(),
            masker,
            run_id,
            started: now,
        });
        let theirs = Arc::clone(&shared);
        let ticker = thread::Builder::new().name("events".to_owned()).spawn(move || tick(&theirs)).ok();
        let stream = Self { shared, ticker: Mutex::new(ticker) };
        for message in refused {
            stream.emit(EventKind::Warning { code: "engine::consumer".to_owned(), message });
        }
        stream
    }

    /// Emits an event, masked.
    pub(crate) fn emit(&self, mut kind: EventKind) {
        crate::mask_event::mask_event(&self.shared.masker, &mut kind);
        self.emit_masked(kind);
    }

    /// Emits an event whose strings are masked already.
    pub(crate) fn emit_masked(&self, kind: EventKind) {
        let mut state = self.shared.lock();
        self.shared.push(&mut state, kind);
        if state.unwritten.len() >= UNWRITTEN {
            state.write();
        }
        if state.idle {
            state.idle = false;
            self.shared.waiting.notify_one();
        }
        if state.undelivered.len() >= UNDELIVERED || state.delivered_at.elapsed() >= LATENCY {
            self.shared.deliver(&mut state);
        }
    }

    /// Emits a warning.
    pub(crate) fn warn(&self, code: &str, message: impl Into<String>) {
        self.emit(EventKind::Warning { code: code.to_owned(), message: message.into() });
    }

    /// What hides secrets.
    pub(crate) fn masker(&self) -> &Masker {
        &self.shared.masker
    }

    /// Writes what was emitted so far: after this, it survives the end of this process. Whatever depends on a step may
    /// start only after the step's result went through here. `Err` says why the run cannot go on.
    pub(crate) fn commit(&self) -> Result<(), String> {
        let mut state = self.shared.lock();
        state.write();
        state.broken.clone().map_or(Ok(()), Err)
    }

    /// Ends the stream: writes, delivers and waits for the consumers, within limits. Returns the record, and what
    /// went wrong with consumers after the last event.
    pub(crate) fn close(&self) -> (Option<RunRecord>, Vec<String>) {
        let (outlets, record) = {
            let mut state = self.shared.lock();
            state.write();
            self.shared.deliver(&mut state);
            state.closed = true;
            self.shared.waiting.notify_all();
            (std::mem::take(&mut state.outlets), std::mem::take(&mut state.summary).into_record())
        };
        let deadline = Instant::now() + FINISHING;
        outlets.iter().for_each(Outlet::close);
        let problems = outlets.into_iter().filter_map(|outlet| outlet.join(deadline).err()).collect();
        if let Some(ticker) = self.ticker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = ticker.join();
        }
        (record, problems)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.write();
        state.closed = true;
        self.shared.waiting.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, state: &mut State, kind: EventKind) {
        let event = RunEvent {
            run_id: self.run_id.clone(),
            seq: state.next_seq,
            timestamp: Timestamp::now(),
            elapsed_ms: milliseconds(self.started.elapsed()),
            kind,
        };
        state.next_seq += 1;
        let length = state.unwritten.len();
        if let Err(error) = serde_json::to_writer(&mut state.unwritten, &event) {
            state.unwritten.truncate(length);
            state.broken.get_or_insert_with(|| format!("an event cannot be written as JSON: {error}"));
        } else {
            state.unwritten.push(b'\n');
        }
        state.summary.apply(&event);
        if !state.outlets.is_empty() {
            state.undelivered.push(Arc::new(event));
        }
    }

    /// Hands waiting events to the consumers. Those that are gone leave a warning to the others.
    fn deliver(&self, state: &mut State) {
        while !state.undelivered.is_empty() {
            let events = std::mem::take(&mut state.undelivered);
            let mut warnings = Vec::new();
            state.outlets.retain_mut(|outlet| match outlet.deliver(&events) {
                Delivery::Queued => true,
                Delivery::Thinned(message) => {
                    warnings.push(message);
                    true
                }
                Delivery::Gone(message) => {
                    warnings.push(message);
                    false
                }
            });
            state.delivered_at = Instant::now();
            for message in warnings {
                self.push(state, EventKind::Warning { code: "engine::consumer".to_owned(), message });
            }
        }
    }
}

impl State {
    fn write(&mut self) {
        if self.unwritten.is_empty() {
            return;
        }
        if self.broken.is_none()
            && let Err(error) = self.log.append(&self.unwritten)
        {
            self.broken = Some(error);
        }
        self.unwritten.clear();
    }
}

/// Writes and delivers what nobody else did in time.
fn tick(shared: &Shared) {
    loop {
        {
            let mut state = shared.lock();
            while state.undelivered.is_empty() && state.unwritten.is_empty() && !state.closed {
                state.idle = true;
                state = shared.waiting.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.idle = false;
            if state.closed {
                return;
            }
        }
        thread::sleep(LATENCY);
        let mut state = shared.lock();
        if state.closed {
            return;
        }
        state.write();
        shared.deliver(&mut state);
    }
}

/// A duration as events carry it.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    // Microseconds are exact up to 285 years, and print shorter than nanoseconds.
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full after some bytes.
    struct Small(usize);

    impl EventLog for Small {
        fn append(&mut self, lines: &[u8]) -> Result<(), String> {
            self.0 = self.0.checked_sub(lines.len()).ok_or("no space is left")?;
            Ok(())
        }
    }

    fn warning(stream: &EventStream) {
        stream.warn("x", "y".repeat(100));
    }

    #[test]
    fn a_record_that_cannot_be_written_stops_the_run_for_good() {
        let stream = EventStream::open("r".into(), Masker::default(), Box::new(Small(1000)), Vec::new());
        warning(&stream);
        assert_eq!(stream.commit(), Ok(()));
        (0..10).for_each(|_| warning(&stream));
        assert_eq!(stream.commit(), Err("no space is left".to_owned()));
        warning(&stream);
        assert_eq!(stream.commit(), Err("no space is left".to_owned()));
    }

    #[test]
    fn what_nobody_commits_is_written_soon() {
        /// Counts bytes.
        struct Counted(Arc<std::sync::atomic::AtomicUsize>);
        impl EventLog for Counted {
            fn append(&mut self, lines: &[u8]) -> Result<(), String> {
                self.0.fetch_add(lines.len(), std::sync::atomic::Ordering::SeqCst);
                Ok(())
            }
        }
        let written = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let log = Box::new(Counted(Arc::clone(&written)));
        let stream = EventStream::open("r".into(), Masker::default(), log, Vec::new());
        for _ in 0..3 {
            let before = written.load(std::sync::atomic::Ordering::SeqCst);
            warning(&stream);
            let deadline = Instant::now() + Duration::from_secs(5);
            while written.load(std::sync::atomic::Ordering::SeqCst) == before {
                assert!(Instant::now() < deadline, "never written");
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
