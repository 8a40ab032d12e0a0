//! What is the same in all cells of a step: checked once, where the matrix has a thousand cells too.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use super::Expander;
use crate::{
    diagnostic::Diagnostic,
    expr::{self, Names, Template},
    plan::{Allow, Limits, Resources, Retry, Script},
    read::Spanned,
    resolve::{
        action, configuration,
        names::{Asked, Checker},
        outline::StepOutline,
        reference::{self, Choice},
        script, settings,
    },
};

/// What is the same in all cells of a step.
pub(super) struct Shared<'d> {
    pub(super) env: IndexMap<&'d str, &'d Template>,
    pub(super) asked: IndexSet<Asked>,
    pub(super) params: BTreeSet<String>,
    pub(super) script: Option<Script>,
    pub(super) needs: Vec<Asked>,
    pub(super) retry: Retry,
    pub(super) timeout: Option<std::time::Duration>,
    pub(super) limits: Limits,
    pub(super) allow: Allow,
    pub(super) resources: Resources,
}

impl<'d> Expander<'_, 'd, '_> {
    /// Check everything that does not depend on the cell.
    pub(super) fn shared(&mut self, index: usize) -> Shared<'d> {
        let step = &self.outline.steps[index];
        let stage = &self.outline.stages[step.stage];
        let mut env: IndexMap<&str, &Template> = IndexMap::new();
        for table in [&self.document.env, &stage.document.env, &step.document.env].into_iter().flatten() {
            env.extend(table.entries.iter().map(|(name, value)| (name.as_str(), &value.value.0)));
        }
        let mut checker = Checker::default();
        let declared: Vec<_> = env.keys().copied().collect();
        let names = |roots, reason| Names {
            roots,
            reason,
            params: &self.context.params,
            matrix: &stage.matrix_keys,
            partial: &stage.partial_keys,
            env: &declared,
        };
        let in_env = names(expr::IN_ENV, "variables cannot be made from variables");
        let in_step = names(expr::IN_STEP, "");
        let from = Some(step.stage);
        for expr in env.values().flat_map(|template| template.exprs()) {
            checker.check(expr, &in_env, self.outline, from);
        }
        if let Some(with) = &step.document.with {
            configuration::visit(&with.value.template, &mut |template| {
                template.exprs().for_each(|expr| checker.check(expr, &in_step, self.outline, from));
            });
        }
        if let Some(run) = &step.document.run {
            run.value.0.exprs().for_each(|expr| checker.check(expr, &in_step, self.outline, from));
        }
        if let Some(condition) = &step.document.condition {
            checker.check(&condition.value.0, &in_step, self.outline, from);
            in_step.check_types(&condition.value.0, true, &mut |problem| checker.found.push(problem));
        }
        // Places that are known before the run are checked cell by cell; here, only for the parameters they use.
        for template in static_templates(step) {
            template.exprs().for_each(|expr| checker.params(expr));
        }
        let Checker { found, asked, params } = checker;
        self.context.used_params.extend(params.iter().cloned());
        self.context.problems.extend(found);
        let script = self.script(step);
        let needs = self.needs(index);
        let document = step.document;
        let defaults = self.document.defaults.as_ref();
        let retry = document.retry.as_ref().or_else(|| defaults?.retry.as_ref());
        let timeout = document.timeout.as_ref().or_else(|| defaults?.timeout.as_ref());
        let container = matches!(step.action, Some(action::Form::Container(_)));
        Shared {
            env,
            asked,
            params,
            script,
            needs,
            retry: settings::retry(retry, self.context),
            timeout: settings::duration(timeout, self.context),
            limits: settings::limits(document.limits.as_ref(), self.context),
            allow: settings::allow(document.allow.as_ref(), container, self.context),
            resources: settings::resources(document.resources.as_ref(), self.context),
        }
    }

    fn script(&mut self, step: &StepOutline<'_>) -> Option<Script> {
        let run = step.document.run.as_ref()?;
        if run.value.0.as_text().is_some_and(|text| text.trim().is_empty()) {
            let problem = Diagnostic::error("workflow::empty", run.key.clone(), "`run` has no command");
            self.context.problems.push(problem);
        }
        let default = self.document.defaults.as_ref().and_then(|defaults| defaults.shell.as_ref());
        let shell = step.document.shell.as_ref().or(default);
        if let Some(shell) = shell
            && run.value.0.exprs().next().is_some()
            && !script::is_posix(&shell.value.0)
        {
            let message =
                format!("`{}` does not expand the variables that carry expressions", shell.value.0[0]);
            self.context.problems.push(
                Diagnostic::error("script::shell", run.key.clone(), message)
                    .help("pass the value under `env:`, and read that variable in the script"),
            );
        }
        let (text, variables) =
            script::script(&run.value.0, &mut |problem| self.context.problems.push(problem));
        Some(Script { text, variables, shell: shell.map(|shell| shell.value.0.clone()) })
    }

    /// `needs:` of a step.
    fn needs(&mut self, index: usize) -> Vec<Asked> {
        let step = &self.outline.steps[index];
        let mut needs = Vec::new();
        for need in step.document.needs.as_ref().map(|needs| needs.value.0.as_slice()).unwrap_or_default() {
            match self.need(index, need) {
                Ok(need) => needs.push(need),
                Err(problem) => self.context.problems.push(problem),
            }
        }
        needs
    }

    fn need(&self, index: usize, need: &Spanned<String>) -> Result<Asked, Diagnostic> {
        let text = reference::step(&need.value).map_err(|(_, message, help)| {
            Diagnostic::error("reference::syntax", need.span.clone(), message).maybe_help(help)
        })?;
        let target = self.outline.step(text.name, &need.span).map_err(|problem| {
            if self.outline.stages.iter().any(|stage| stage.name == text.name) {
                problem.help("this is a stage; stages need stages, steps need steps")
            } else {
                problem
            }
        })?;
        if target == index {
            return Err(Diagnostic::error("order::cycle", need.span.clone(), "a step cannot need itself"));
        }
        let from = self.outline.steps[index].stage;
        // A step of another stage without a cell means all of its cells: waiting needs no choice.
        let choice = if text.cell.is_none() && self.outline.steps[target].stage != from {
            Choice::All
        } else {
            self.outline.choose(target, &text, Some(from), &need.span)?
        };
        Ok(Asked { step: target, choice })
    }
}

/// Templates of a step that are known before the run.
fn static_templates<'s>(step: &'s StepOutline<'_>) -> impl Iterator<Item = &'s Template> {
    let image = match &step.action {
        Some(action::Form::Container(form)) => form.templates(),
        _ => Vec::new(),
    };
    let inputs =
        step.document.inputs.iter().flat_map(|table| table.entries.iter().map(|(_, value)| &value.value.0));
    let outputs = step.outputs.values().filter_map(|output| output.path.as_ref().map(|(path, _)| *path));
    let seed = step.document.seed.iter().map(|seed| &seed.value.0);
    inputs.chain(image).chain(outputs).chain(seed)
}
