//! One consumer of events with its own bounded queue and thread, so that it can neither fail nor slow a run.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    event::{EventKind, RunEvent},
    options::EventConsumer,
};

/// Events that wait at most. A consumer this far behind is dropped.
const CAPACITY: usize = 65_536;
/// From here on lines of output and progress are left out.
const CROWDED: usize = CAPACITY / 4;
/// Events a consumer takes at a time.
const BATCH: usize = 256;

/// The engine's end of the queue.
pub(crate) struct Outlet {
    name: &'static str,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    told_of_gaps: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Arc<RunEvent>>,
    closed: bool,
    /// The thread ended: with what the consumer said, if that was an error.
    ended: Option<Result<(), String>>,
}

/// What became of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Everything is queued.
    Queued,
    /// Lines were left out, for the first time.
    Thinned(String),
    /// The consumer is gone, and why.
    Gone(String),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet {
    /// Starts the consumer's thread.
    pub(crate) fn start(consumer: Box<dyn EventConsumer>) -> io::Result<Self> {
        let name = consumer.name();
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name(format!("consumer-{name}"))
            .spawn(move || consume_all(consumer, &theirs))?;
        Ok(Self { name, shared, thread: Some(thread), told_of_gaps: false })
    }

    /// Queues events. Never waits for the consumer.
    pub(crate) fn deliver(&mut self, events: &[Arc<RunEvent>]) -> Delivery {
        let mut thinned = false;
        {
            let mut queue = self.shared.lock();
            if let Some(ended) = &queue.ended {
                let why = ended.as_ref().err().map_or("it ended", String::as_str);
                return Delivery::Gone(format!("{} shows nothing any more: {why}", self.name));
            }
            for event in events {
                let dispensable = matches!(
                    event.kind,
                    EventKind::StepOutput { .. }
                        | EventKind::StepProgress { .. }
                        | EventKind::ImageProgress { .. }
                );
                if dispensable && queue.events.len() >= CROWDED {
                    thinned = true;
                } else if queue.events.len() >= CAPACITY {
                    queue.closed = true;
                    queue.events.clear();
                    self.shared.changed.notify_all();
                    return Delivery::Gone(format!(
                        "{} is {CAPACITY} events behind and was dropped",
                        self.name
                    ));
                } else {
                    queue.events.push_back(Arc::clone(event));
                }
            }
        }
        self.shared.changed.notify_all();
        if thinned && !self.told_of_gaps {
            self.told_of_gaps = true;
            return Delivery::Thinned(format!(
                "{} is too slow for the output of the steps: lines are left out there; the run's log has them all",
                self.name
            ));
        }
        Delivery::Queued
    }

    /// Says that no more events come; the consumer finishes on its own time.
    pub(crate) fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Waits for the consumer to finish, until `deadline` at most. `Err` says why it did not finish well.
    pub(crate) fn join(mut self, deadline: Instant) -> Result<(), String> {
        let mut queue = self.shared.lock();
        while queue.ended.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("{} did not finish in time", self.name));
            }
            let waited = self.shared.changed.wait_timeout(queue, left.min(Duration::from_millis(200)));
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let ended = queue.ended.clone().unwrap_or(Ok(()));
        drop(queue);
        if let Some(thread) = self.thread.take() {
            // It has said its last word: nothing can go wrong in it any more.
            let _ = thread.join();
        }
        ended.map_err(|why| format!("{}: {why}", self.name))
    }
}

/// Body of the consumer's thread.
fn consume_all(mut consumer: Box<dyn EventConsumer>, shared: &Shared) {
    let ended = catch_unwind(AssertUnwindSafe(|| pump(consumer.as_mut(), shared)))
        .unwrap_or_else(|_| Err("it panicked".to_owned()));
    let mut queue = shared.lock();
    queue.ended = Some(ended);
    queue.events.clear();
    shared.changed.notify_all();
}

fn pump(consumer: &mut dyn EventConsumer, shared: &Shared) -> Result<(), String> {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        {
            let mut queue = shared.lock();
            while queue.events.is_empty() && !queue.closed {
                queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let count = queue.events.len().min(BATCH);
            batch.extend(queue.events.drain(..count));
        }
        if batch.is_empty() {
            return consumer.finish().map_err(|error| error.to_string());
        }
        for event in batch.drain(..) {
            consumer.consume(&event).map_err(|error| error.to_string())?;
        }
        consumer.rest().map_err(|error| error.to_string())?;
    }
}
