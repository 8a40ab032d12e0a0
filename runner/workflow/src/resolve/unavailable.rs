//! Keys that the language knows and this version cannot carry out: they are checked, noted in the plan, and never pass silently.

use super::{Context, action, outline::StepOutline, settings};
use crate::diagnostic::Diagnostic;

/// Note such keys of a step.
pub(crate) fn step(step: &StepOutline<'_>, context: &mut Context<'_>) {
    let document = step.document;
    let stage = Some(step.stage);
    if matches!(step.action, Some(action::Form::Plugin { .. })) {
        if let Some(net) = document.allow.as_ref().and_then(|allow| allow.net.as_ref())
            && !net.value.0.is_empty()
        {
            context.unavailable("allow.net", &net.key, stage);
        }
        if let Some(gpu) = document.resources.as_ref().and_then(|resources| resources.gpu.as_ref())
            && gpu.value > 0
        {
            context.unavailable("resources.gpu", &gpu.key, stage);
        }
    }
    if let Some(cache) = &document.cache {
        if let Some(ttl) = &cache.ttl
            && ttl.value.0.is_zero()
        {
            settings::out_of_range(ttl.span.clone(), "more than no time", context);
        }
        if let (Some(_), Some(pure)) = (&cache.ttl, &cache.pure) {
            let problem =
                Diagnostic::error("step::exclusive", pure.key.clone(), "`pure` cannot stand beside `ttl`");
            context.problems.push(problem.help("what is pure never expires"));
        }
        let message = "there is no cache of steps yet: this step runs every time";
        context.problems.push(Diagnostic::warning("cache::unavailable", cache.key.clone(), message));
    }
}
