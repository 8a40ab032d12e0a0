//! Retry, limits, grants and resources of a step.

use std::{ops::Range, time::Duration};

use super::{Context, path};
use crate::{
    diagnostic::Diagnostic,
    document::{AllowDocument, LimitsDocument, ResourcesDocument, RetryDocument},
    plan::{Allow, Limits, Resources, Retry},
    read::{EnvName, KeyRule, OneOrMany, Seconds, Spanned},
};

/// Most attempts after the first.
const MOST_RETRIES: u32 = 100;
/// What a container writes under `allow.net`.
const ALL_OF_THE_NETWORK: &str = "*";
/// Largest factor on the wait.
const MOST_BACKOFF: f64 = 100.0;

/// `retry:`
pub(crate) fn retry(document: Option<&Spanned<RetryDocument>>, context: &mut Context<'_>) -> Retry {
    let Some(document) = document else { return Retry::default() };
    let mut retry = Retry::default();
    if let Some(times) = &document.times {
        retry.times = times.value;
        if times.value > MOST_RETRIES {
            out_of_range(times.span.clone(), &format!("at most {MOST_RETRIES} retries"), context);
        }
    }
    if let Some(delay) = &document.delay {
        retry.delay = delay.value.0;
    }
    if let Some(backoff) = &document.backoff {
        retry.backoff = backoff.value;
        if !(1.0..=MOST_BACKOFF).contains(&backoff.value) {
            out_of_range(backoff.span.clone(), "a factor between 1 and 100", context);
        }
    }
    if let Some(on) = &document.on {
        retry.on = on.value.0.iter().map(|word| word.value.0).collect();
        if retry.on.is_empty() {
            let message = "an empty list would never try again";
            let problem = Diagnostic::error("workflow::empty", on.span.clone(), message);
            context.problems.push(problem.help("remove `on`, or name what is tried again"));
        }
    }
    retry
}

/// `timeout:` and the like: longer than nothing.
pub(crate) fn duration(document: Option<&Spanned<Seconds>>, context: &mut Context<'_>) -> Option<Duration> {
    let document = document?;
    if document.value.0.is_zero() {
        out_of_range(document.span.clone(), "more than no time", context);
    }
    Some(document.value.0)
}

/// `limits:`
pub(crate) fn limits(document: Option<&Spanned<LimitsDocument>>, context: &mut Context<'_>) -> Limits {
    let Some(document) = document else { return Limits::default() };
    if let Some(memory) = &document.memory
        && memory.value.0 == 0
    {
        out_of_range(memory.span.clone(), "more than no memory", context);
    }
    if let Some(pids) = &document.pids
        && pids.value == 0
    {
        out_of_range(pids.span.clone(), "at least one process", context);
    }
    Limits {
        pids: document.pids.as_ref().map(|count| count.value),
        memory: document.memory.as_ref().map(|size| size.value.0),
        time: duration(document.time.as_ref(), context),
        output: document.output.as_ref().map(|size| size.value.0),
        log: document.log.as_ref().map(|size| size.value.0),
        metrics: document.metrics.as_ref().map(|count| count.value),
        findings: document.findings.as_ref().map(|count| count.value),
    }
}

/// `allow:`
pub(crate) fn allow(
    document: Option<&Spanned<AllowDocument>>,
    container: bool,
    context: &mut Context<'_>,
) -> Allow {
    let Some(document) = document else { return Allow::default() };
    let list = |list: &Option<Spanned<OneOrMany<String>>>| {
        list.as_ref().map(|list| list.value.0.clone()).unwrap_or_default()
    };
    for origin in list(&document.net) {
        if container {
            if origin.value != ALL_OF_THE_NETWORK {
                let message = format!("a container cannot be held to the origin `{}`", origin.value);
                let problem = Diagnostic::error("allow::net", origin.span.clone(), message);
                context.problems.push(problem.help(
                    "an engine gives a container all of the network or none: write `net: [\"*\"]`, or fetch in a plugin, which can be held to origins",
                ));
            }
        } else if let Err(message) = check_origin(&origin) {
            let problem = Diagnostic::error("allow::net", origin.span.clone(), message);
            context.problems.push(problem.help("write an origin: `https://api.example.com`"));
        }
    }
    for path in list(&document.read) {
        if let Err(message) = path::check(&path) {
            let problem = Diagnostic::error("allow::read", path.span.clone(), message);
            context.problems.push(problem.help("name a file or folder of the workspace"));
        }
    }
    for name in list(&document.env) {
        if !EnvName::accepts(&name) {
            let message = format!("`{}` cannot be the name of a variable", name.value);
            context
                .problems
                .push(Diagnostic::error("allow::env", name.span.clone(), message).help(EnvName::WORDS));
        }
    }
    let capabilities = list(&document.capabilities).into_iter().filter_map(|name| capability(&name, context));
    let capabilities = capabilities.collect();
    let texts = |list: Vec<Spanned<String>>| list.into_iter().map(|text| text.value).collect();
    Allow {
        net: texts(list(&document.net)),
        read: list(&document.read).into_iter().map(|path| path::normal(&path)).collect(),
        env: texts(list(&document.env)),
        clock: document.clock.as_ref().is_some_and(|flag| flag.value),
        random: document.random.as_ref().is_some_and(|flag| flag.value),
        capabilities,
        write_root: document.write_root.as_ref().is_some_and(|flag| flag.value),
    }
}

/// `SYS_PTRACE` of `SYS_PTRACE`, `cap_sys_ptrace` and the like. All at once is not for sale: that would be a privileged
/// container.
fn capability(name: &Spanned<String>, context: &mut Context<'_>) -> Option<String> {
    let upper = name.value.to_ascii_uppercase();
    let plain = upper.strip_prefix("CAP_").unwrap_or(&upper);
    if plain != "ALL" && !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return Some(plain.to_owned());
    }
    let message = format!("`{}` is not a single capability of Linux", name.value);
    let problem = Diagnostic::error("allow::capabilities", name.span.clone(), message);
    context.problems.push(problem.help("name each one that is needed: `capabilities: [SYS_PTRACE]`"));
    None
}

/// Whether a text is an origin: scheme, host and perhaps a port, nothing else.
pub(crate) fn check_origin(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return Err(format!("`{text}` does not start with `https://`")) };
    if rest.is_empty() {
        return Err(format!("`{text}` names no host"));
    }
    match rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_')))
    {
        None => Ok(()),
        Some(at) => Err(format!("an origin ends after the host; remove `{}`", &rest[at..])),
    }
}

/// `resources:`
pub(crate) fn resources(
    document: Option<&Spanned<ResourcesDocument>>,
    context: &mut Context<'_>,
) -> Resources {
    let Some(document) = document else { return Resources::default() };
    if let Some(cpu) = &document.cpu
        && (cpu.value <= 0.0 || cpu.value > 100_000.0)
    {
        out_of_range(cpu.span.clone(), "more than no processor", context);
    }
    Resources {
        cpu: document.cpu.as_ref().map(|cpu| cpu.value),
        memory: document.memory.as_ref().map(|size| size.value.0),
        gpu: document.gpu.as_ref().map(|count| count.value),
        shm_size: document.shm_size.as_ref().map(|size| size.value.0),
    }
}

/// Report a value outside its range.
pub(crate) fn out_of_range(span: Range<usize>, expected: &str, context: &mut Context<'_>) {
    context.problems.push(Diagnostic::error("workflow::range", span, format!("expected {expected}")));
}
