//! Where an attempt reports to: masks, counts, cuts and passes on.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use runner_workflow::plan::Limits;

use crate::{
    event::{EventKind, ImageRecord},
    executor::{Finding, MAX_LINE, Metric, OutputStream, StepSink},
    mask_event,
    stream::EventStream,
};

/// Bytes of output kept for an attempt that sets no `limits.log`.
const LOG: u64 = 64 << 20;
/// Metrics kept for an attempt that sets no `limits.metrics`.
const METRICS: u64 = 10_000;
/// Findings kept for an attempt that sets no `limits.findings`.
const FINDINGS: u64 = 1_000;
/// Metric events per metric allowed: a value reported for every batch of a training says nothing in the record that the
/// last one does not. Beyond this, only the last values are recorded, when the attempt ends.
const REPORTS_PER_METRIC: u64 = 10;
/// Shortest time between two reports of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// The sink of one attempt.
pub(crate) struct AttemptSink {
    stream: Arc<EventStream>,
    step: String,
    log_limit: u64,
    metric_limit: u64,
    finding_limit: u64,
    closed: AtomicBool,
    state: Mutex<Reported>,
}

/// Name and slice of a metric.
type MetricKey = (String, Vec<(String, String)>);

#[derive(Default)]
struct Reported {
    log_bytes: u64,
    log_cut: bool,
    /// The end of a line that was cut, by stream: a secret may go on in the next piece.
    held: [String; 3],
    metrics: Vec<Metric>,
    metric_index: HashMap<MetricKey, usize>,
    metrics_left_out: u64,
    /// Metric events so far, and which metrics changed since there were too many of them.
    metric_events: u64,
    unreported: BTreeSet<usize>,
    progress_at: Option<Instant>,
    findings: u64,
    findings_left_out: u64,
    bad_names: Vec<String>,
}

impl AttemptSink {
    pub(crate) fn new(stream: Arc<EventStream>, step: String, limits: &Limits) -> Self {
        Self {
            stream,
            step,
            log_limit: limits.log.unwrap_or(LOG),
            metric_limit: limits.metrics.unwrap_or(METRICS),
            finding_limit: limits.findings.unwrap_or(FINDINGS),
            closed: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// The limit of metrics, if it was reached: what was left out could be what a gate asks for.
    pub(crate) fn exceeded_metrics(&self) -> Option<u64> {
        (self.lock().metrics_left_out > 0).then_some(self.metric_limit)
    }

    /// Ends the attempt: what is reported after this is ignored. Returns its metrics, each name and slice once.
    pub(crate) fn close(&self) -> Vec<Metric> {
        self.closed.store(true, Ordering::Release);
        let mut state = self.lock();
        for stream in [OutputStream::Stdout, OutputStream::Stderr, OutputStream::Log] {
            let held = std::mem::take(&mut state.held[stream as usize]);
            if !held.is_empty() {
                self.line(&mut state, stream, &held);
            }
        }
        let step = &self.step;
        for index in std::mem::take(&mut state.unreported) {
            let metric = state.metrics[index].clone();
            self.stream.emit_masked(EventKind::MetricReported { step: step.clone(), metric });
        }
        if state.metrics_left_out > 0 {
            let (left_out, limit) = (state.metrics_left_out, self.metric_limit);
            self.stream.warn(
                "step::metrics",
                format!(
                    "`{step}` reported more than {limit} metrics: {left_out} were left out; raise `limits: {{ metrics: … }}`"
                ),
            );
        }
        if state.findings_left_out > 0 {
            let (left_out, limit) = (state.findings_left_out, self.finding_limit);
            self.stream.warn(
                "step::findings",
                format!(
                    "`{step}` reported more than {limit} findings: {left_out} were counted and left out; raise `limits: {{ findings: … }}`"
                ),
            );
        }
        for name in std::mem::take(&mut state.bad_names) {
            self.stream.warn(
                "step::metric-name",
                format!("`{step}` reported a metric called {name:?}, which no gate can name: it is empty, too long or holds control characters"),
            );
        }
        state.metric_index.clear();
        std::mem::take(&mut state.metrics)
    }

    fn lock(&self) -> MutexGuard<'_, Reported> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Emits a line, within the log limit.
    fn line(&self, state: &mut Reported, stream: OutputStream, line: &str) {
        if state.log_cut {
            return;
        }
        let line = self.stream.masker().mask(line).into_owned();
        state.log_bytes += line.len() as u64 + 1;
        let over = state.log_bytes > self.log_limit;
        state.log_cut = over;
        let line = if over {
            format!(
                "[the log limit of {} bytes is reached; further output is not kept; raise `limits: {{ log: … }}`]",
                self.log_limit
            )
        } else {
            line
        };
        let stream = if over { OutputStream::Log } else { stream };
        self.stream.emit_masked(EventKind::StepOutput { step: self.step.clone(), stream, line });
    }

    /// Emits all of a cut line but its end, which could be the start of a secret; masked together with what follows.
    fn cut_line(&self, state: &mut Reported, stream: OutputStream, piece: &str) {
        let mut text = std::mem::take(&mut state.held[stream as usize]);
        text.push_str(piece);
        let masker = self.stream.masker();
        let mut keep = text.len().saturating_sub(masker.longest());
        // Not in the middle of a secret that is complete, nor of a character.
        if let Some(range) = masker.find(&text).iter().find(|range| range.start < keep && keep < range.end) {
            keep = range.start;
        }
        while !text.is_char_boundary(keep) {
            keep -= 1;
        }
        let rest = text.split_off(keep);
        state.held[stream as usize] = rest;
        if !text.is_empty() {
            self.line(state, stream, &text);
        }
    }
}

impl StepSink for AttemptSink {
    fn output(&self, stream: OutputStream, line: &str) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.lock();
        if state.log_cut {
            return;
        }
        if line.len() >= MAX_LINE && !self.stream.masker().is_empty() {
            self.cut_line(&mut state, stream, line);
        } else if state.held[stream as usize].is_empty() {
            self.line(&mut state, stream, line);
        } else {
            let mut text = std::mem::take(&mut state.held[stream as usize]);
            text.push_str(line);
            self.line(&mut state, stream, &text);
        }
    }

    fn progress(&self, fraction: f64, message: &str) {
        if self.closed.load(Ordering::Acquire) || !fraction.is_finite() {
            return;
        }
        {
            let mut state = self.lock();
            let now = Instant::now();
            if state.progress_at.is_some_and(|at| now.duration_since(at) < PROGRESS_EVERY) {
                return;
            }
            state.progress_at = Some(now);
        }
        self.stream.emit(EventKind::StepProgress {
            step: self.step.clone(),
            fraction: fraction.clamp(0.0, 1.0),
            message: message.to_owned(),
        });
    }

    fn metric(&self, mut metric: Metric) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        mask_event::mask_metric(self.stream.masker(), &mut metric);
        {
            let mut state = self.lock();
            let state = &mut *state;
            let key = (metric.name.clone(), metric.slice.clone());
            if let Some(index) = state.metric_index.get(&key) {
                state.metrics[*index].value = metric.value;
                if state.metric_events >= self.metric_limit.saturating_mul(REPORTS_PER_METRIC) {
                    state.unreported.insert(*index);
                    return;
                }
            } else if state.metrics.len() as u64 >= self.metric_limit {
                state.metrics_left_out += 1;
                return;
            } else {
                if !is_metric_name(&metric.name) && state.bad_names.len() < 10 {
                    state.bad_names.push(metric.name.clone());
                }
                state.metric_index.insert(key, state.metrics.len());
                state.metrics.push(metric.clone());
            }
            state.metric_events += 1;
        }
        self.stream.emit_masked(EventKind::MetricReported { step: self.step.clone(), metric });
    }

    fn image(&self, image: &ImageRecord) {
        if !self.closed.load(Ordering::Acquire) {
            self.stream.emit(EventKind::StepImage { step: self.step.clone(), image: image.clone() });
        }
    }

    fn finding(&self, finding: Finding) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        {
            let mut state = self.lock();
            if state.findings >= self.finding_limit {
                state.findings_left_out += 1;
                return;
            }
            state.findings += 1;
        }
        self.stream.emit(EventKind::FindingReported { step: self.step.clone(), finding });
    }
}

/// Whether a gate can name this metric. In quotes a name may be almost anything.
fn is_metric_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && !name.chars().any(char::is_control)
}
