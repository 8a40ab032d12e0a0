//! `runner plan`: what would run, in which order, from what.

use std::{collections::HashMap, fmt::Write as _};

use runner_store::Store;
use runner_workflow::plan::{Action, Plan, PlannedStage, PlannedStep, Source};

use crate::{
    arguments::WorkflowArguments,
    containers,
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output,
    report::{visible, words::Mood},
    secrets, widened, workflow_file,
    workspace::STORE_DIR,
};

/// Arguments of `runner plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    workflow: WorkflowArguments,
    /// Print the plan as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let (plan, loaded) = match workflow_file::load_plan(&arguments.workflow, environment, environment.stderr)?
    {
        Ok((plan, loaded, ..)) => (plan, loaded),
        Err(code) => return Ok(code),
    };
    let masker = secrets::masker(&plan, &loaded.workspace);
    if arguments.json {
        let mut json = serde_json::to_value(&plan)
            .map_err(|error| Failure::internal(format!("the plan cannot be written as JSON: {error}")))?;
        masker.mask_json(&mut json);
        output::print_json(&json)?;
    } else {
        let store = Store::open_existing(loaded.workspace.join(STORE_DIR));
        let images = store.ok().flatten().map(|store| containers::known_images(&store)).unwrap_or_default();
        output::print(&masker.mask(&render(&plan, &images, environment.stdout)))?;
    }
    Ok(ExitCode::Passed)
}

fn render(plan: &Plan, images: &HashMap<String, String>, look: Look) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", look.bold(&visible::line(&plan.name)));
    for (name, value) in &plan.params {
        let _ = writeln!(out, "  param {} = {}", visible::line(name), visible::line(&value.to_string()));
    }
    for (name, data) in &plan.data {
        let _ = writeln!(out, "  data {} = {}", visible::line(name), visible::line(&data.path));
    }
    for stage in &plan.stages {
        let _ = writeln!(
            out,
            "\n{}{}",
            look.bold(&visible::line(&stage.name)),
            look.dim(&stage_order(plan, stage))
        );
        for index in &stage.steps {
            step(&mut out, plan, &plan.steps[*index], images, look);
        }
        for gate in &stage.gates {
            let text = match (&gate.line, &gate.mapping) {
                (Some(line), _) => line.clone(),
                (None, Some(mapping)) => mapping.to_string(),
                (None, None) => String::new(),
            };
            let _ = writeln!(out, "  gate     {}", visible::line(&text));
        }
        if let Some(promote) = &stage.promote {
            let _ = writeln!(
                out,
                "  promote  {}.{} to registry:{}@{}",
                visible::line(&plan.steps[promote.model.step].id.to_string()),
                visible::line(&promote.model.output),
                visible::line(&promote.registry),
                visible::line(&promote.alias)
            );
        }
    }
    for key in &plan.unavailable {
        let text = format!(
            "`{}` is not available in this version: a run that reaches it ends with exit code 6",
            key.key
        );
        let _ = writeln!(out, "\n{}  {}", look.mark(Mood::Doubtful, "warning", 7), visible::line(&text));
    }
    out
}

fn stage_order(plan: &Plan, stage: &PlannedStage) -> String {
    let needs: Vec<&str> = stage.needs.iter().map(|index| plan.stages[*index].name.as_str()).collect();
    let mut text = if needs.is_empty() {
        String::new()
    } else {
        format!("  after {}", visible::line(&needs.join(", ")))
    };
    if stage.condition.is_some() {
        text.push_str("  conditional");
    }
    text
}

fn step(out: &mut String, plan: &Plan, step: &PlannedStep, images: &HashMap<String, String>, look: Look) {
    let action = match &step.action {
        Action::Plugin { uses } => uses.clone(),
        Action::Container { container, .. } => format!("container {}", container.image),
        Action::Process { run } => format!("run: {}", run.text.lines().next().unwrap_or_default()),
    };
    let unsandboxed = if matches!(step.action, Action::Process { .. }) {
        format!("  {}", look.paint(Mood::Doubtful, "unsandboxed"))
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "  step     {}  {}{unsandboxed}",
        visible::line(&step.id.to_string()),
        look.dim(&visible::cut(&visible::line(&action), 60, look.unicode))
    );
    if let Action::Container { container, .. } = &step.action {
        if let Some(digest) = images.get(&container.image.to_string()) {
            let _ = writeln!(out, "    image  {digest} in the last run");
        }
        for key in widened::keys(container, &step.allow, &step.limits, &step.resources) {
            let _ = writeln!(out, "    {}  {}", look.paint(Mood::Doubtful, "widened"), visible::line(&key));
        }
    }
    for (name, source) in &step.inputs {
        let _ = writeln!(
            out,
            "    in     {} from {}",
            visible::line(name),
            visible::line(&source_text(plan, source))
        );
    }
    let fed: Vec<usize> = step.inputs.values().flat_map(feeding).collect();
    let waits: Vec<String> = step
        .after
        .iter()
        .filter(|before| !fed.contains(before))
        .map(|before| visible::line(&plan.steps[*before].id.to_string()))
        .collect();
    if !waits.is_empty() {
        let _ = writeln!(out, "    after  {}", waits.join(", "));
    }
    for (name, output) in &step.outputs {
        let _ = writeln!(out, "    out    {} to {}", visible::line(name), visible::line(&output.path));
    }
}

/// The steps that an input comes from.
fn feeding(source: &Source) -> Vec<usize> {
    match source {
        Source::Output(output) => vec![output.step],
        Source::AllCells(outputs) => outputs.iter().map(|output| output.step).collect(),
        Source::Data(_) | Source::Baseline(_) | Source::Path(_) => Vec::new(),
    }
}

fn source_text(plan: &Plan, source: &Source) -> String {
    match source {
        Source::Data(name) => format!("data.{name}"),
        Source::Output(output) => format!("{}.{}", plan.steps[output.step].id, output.output),
        Source::AllCells(outputs) => {
            let cells: Vec<String> = outputs
                .iter()
                .map(|output| format!("{}.{}", plan.steps[output.step].id, output.output))
                .collect();
            cells.join(", ")
        }
        Source::Baseline(name) => format!("baseline.{name}"),
        Source::Path(path) => path.clone(),
    }
}
