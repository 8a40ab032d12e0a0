//! From a planned step to a request that an executor can carry out: everything evaluated, everything found.

use runner_workflow::{
    expr::EvalError,
    plan::{Action, Kind, OutputRef, Source, StepIndex},
};

use crate::{
    data,
    drive::Driver,
    event::StepResult,
    executor::{ErrorClass, StepRequest},
    references::Role,
    scope::StepScope,
    staging::{InputSource, cell_name},
};

/// Inputs by name with what they hold and where they come from.
type Sources = Vec<(String, Kind, InputSource)>;

impl Driver {
    /// The request for the next attempt of a step, without files and folders, and where its inputs come from.
    pub(crate) fn request(
        &self,
        step: StepIndex,
    ) -> Result<(StepRequest, Sources), (StepResult, ErrorClass)> {
        let planned = &self.plan.steps[step];
        let around = self.around();
        let mut scope = StepScope {
            around: &around,
            step: Some(planned),
            env: indexmap::IndexMap::with_capacity(planned.env.len()),
            status: self.schedule.standing_of_step(step).status(),
        };
        let unusable = |what: &str, error: &EvalError| {
            let message = format!("{what} cannot be evaluated: {error}");
            let code = error.code().to_owned();
            (StepResult::Error { code, message, help: None }, ErrorClass::Usage)
        };
        scope.evaluate_env().map_err(|error| unusable("its `env`", &error))?;
        let config = scope.config(&planned.with).map_err(|error| unusable("its `with`", &error))?;
        let script = match &planned.action {
            Action::Process { run } => Some(run),
            Action::Container { run, .. } => run.as_ref(),
            Action::Plugin { .. } => None,
        };
        let mut script_variables = Vec::new();
        for (name, expr) in script.into_iter().flat_map(|script| &script.variables) {
            let value = expr.evaluate(&scope).map_err(|error| unusable("its `run`", &error))?;
            script_variables.push((name.clone(), value.to_text()));
        }
        let env = std::mem::take(&mut scope.env);
        let mut sources = Vec::with_capacity(planned.inputs.len());
        for (name, source) in &planned.inputs {
            if self.is_without_baseline(source) {
                continue;
            }
            let (kind, found) = self.source(name, source)?;
            sources.push((name.clone(), kind, found));
        }
        let timeout = match (planned.timeout, planned.limits.time) {
            (Some(timeout), Some(time)) => Some(timeout.min(time)),
            (timeout, time) => timeout.or(time),
        };
        let request = StepRequest {
            step: self.ids[step].clone(),
            stage: self.plan.stages[planned.stage].name.clone(),
            attempt: self.steps[step].attempts + 1,
            action: planned.action.clone(),
            script_variables,
            config,
            inputs: indexmap::IndexMap::new(),
            outputs: indexmap::IndexMap::new(),
            out_dir: std::path::PathBuf::new(),
            scratch_dir: std::path::PathBuf::new(),
            workspace: self.workspace.clone(),
            env,
            timeout,
            limits: planned.limits.clone(),
            allow: planned.allow.clone(),
            resources: planned.resources.clone(),
            services: self.plan.stages[planned.stage].services.clone(),
            seed: planned.seed,
        };
        Ok((request, sources))
    }

    fn source(&self, name: &str, source: &Source) -> Result<(Kind, InputSource), (StepResult, ErrorClass)> {
        let refuse = |class: ErrorClass, code: &str, message: String, help: Option<&str>| {
            let help = help.map(str::to_owned);
            (StepResult::Error { code: code.to_owned(), message, help }, class)
        };
        let output = |output: &OutputRef| {
            self.facts[output.step].outputs.get(&output.output).cloned().ok_or_else(|| {
                let from = &self.ids[output.step];
                let message =
                    format!("its input `{name}` is missing: `{from}` has no output `{}`", output.output);
                refuse(ErrorClass::Internal, "engine::input", message, None)
            })
        };
        match source {
            Source::Output(reference) => {
                let published = output(reference)?;
                let popular = self.uses.get(reference).is_some_and(|uses| *uses > 1);
                Ok((published.kind, InputSource::Object { published, popular }))
            }
            Source::AllCells(references) => {
                let mut cells = Vec::with_capacity(references.len());
                let mut kind = Kind::Any;
                for reference in references {
                    let published = output(reference)?;
                    kind = published.kind;
                    cells.push((cell_name(&self.plan.steps[reference.step].id.cell), published));
                }
                Ok((kind, InputSource::Cells(cells)))
            }
            Source::Data(set) => {
                let Some(data) = self.data.get(set) else {
                    // It could not be found when the run started; say why.
                    let path = self.plan.data.get(set).map_or(set.as_str(), |data| &data.path);
                    return self.look(path).map(|found| (Kind::Dataset, found));
                };
                match &data.identity {
                    Some(Ok(_)) => Ok((Kind::Dataset, InputSource::Workspace(data.seen.clone()))),
                    Some(Err(message)) => {
                        Err(refuse(ErrorClass::Environment, "data::unreadable", message.clone(), None))
                    }
                    None => {
                        let message = format!("the data set `{set}` was not identified");
                        Err(refuse(ErrorClass::Internal, "engine::input", message, None))
                    }
                }
            }
            Source::Path(path) => self.look(path).map(|found| (Kind::Any, found)),
            Source::Baseline(what) => {
                let role = Role::of_input(what);
                if let Some(published) = role.and_then(|role| self.references.models.get(&role)) {
                    let published = published.clone();
                    return Ok((published.kind, InputSource::Object { published, popular: false }));
                }
                let reason = role.and_then(|role| self.references.unreadable.get(&role));
                let reason = reason.map_or("there has never been one", String::as_str);
                Err(refuse(
                    ErrorClass::Environment,
                    "baseline::missing",
                    format!("its input `{name}` is the baseline's model, and there is none: {reason}"),
                    Some(
                        "promote a first model, or write `baseline: { first: rubber-stamp }` to start without",
                    ),
                ))
            }
        }
    }

    /// Whether an input is the model of a baseline that there has never been, where the workflow allows that: the step
    /// then runs without it.
    fn is_without_baseline(&self, source: &Source) -> bool {
        matches!(source, Source::Baseline(what) if Role::of_input(what) == Some(Role::Baseline))
            && self.references.rubber_stamp
    }

    fn look(&self, path: &str) -> Result<InputSource, (StepResult, ErrorClass)> {
        data::look(&self.workspace, path).map(InputSource::Workspace).map_err(|error| {
            let class = match error {
                data::DataError::Outside { .. } => ErrorClass::Denied,
                _ => ErrorClass::Environment,
            };
            let help = Some(error.help().to_owned());
            (StepResult::Error { code: error.code().to_owned(), message: error.to_string(), help }, class)
        })
    }
}
