//! The report of a run, from its record and its plan.

use std::{collections::BTreeSet, path::Path};

use runner_engine::{event::RunResult, policy::PolicyReport, record::RunRecord};
use runner_github::report::{
    BaseFigures, FORMAT, FindingPlace, GateLine, Report, Settings, StageShape, StepLine,
};
use runner_workflow::plan::{Plan, Source};

/// A schema larger than this is not searched.
const LARGEST_SCHEMA: u64 = 1024 * 1024;

/// What a report is made of besides the record.
pub(crate) struct Parts<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) workspace: &'a Path,
    /// Path of the workflow from the root of the workspace.
    pub(crate) path: &'a str,
    pub(crate) head_sha: Option<String>,
    pub(crate) settings: Settings,
    pub(crate) policy: PolicyReport,
    pub(crate) base: BaseFigures,
    pub(crate) run_url: Option<String>,
}

/// Put it together.
pub(crate) fn compose(record: RunRecord, parts: Parts<'_>) -> Report {
    let plan = parts.plan;
    let recorded = |name: &str| record.stages.iter().position(|stage| stage.name == name);
    let planned = |name: &str| plan.stages.iter().find(|stage| stage.name == name);
    let stages = record
        .stages
        .iter()
        .map(|stage| {
            let planned = planned(&stage.name);
            let needs = planned.map(|stage| stage.needs.as_slice()).unwrap_or_default();
            StageShape {
                name: stage.name.clone(),
                needs: needs.iter().filter_map(|need| recorded(&plan.stages[*need].name)).collect(),
                environment: planned.and_then(|stage| stage.environment.clone()),
            }
        })
        .collect();
    let gate_lines = plan
        .stages
        .iter()
        .flat_map(|stage| {
            stage.gates.iter().enumerate().map(|(gate, planned)| GateLine {
                stage: stage.name.clone(),
                gate,
                line: Some(planned.line_number).filter(|line| *line > 0),
            })
        })
        .collect();
    let step_lines = plan
        .steps
        .iter()
        .map(|step| StepLine { step: step.id.to_string(), line: step.line_number })
        .collect();
    let finding_places = finding_places(&record, plan, parts.workspace);
    let held = record.result == Some(RunResult::Held) && record.verdict.blocks();
    Report {
        format: FORMAT,
        path: parts.path.to_owned(),
        head_sha: parts.head_sha,
        settings: parts.settings,
        stages,
        gate_lines,
        step_lines,
        finding_places,
        policy: parts.policy,
        base: parts.base,
        evidence: held.then(|| {
            let written = record.evidence.as_ref().map(|evidence| evidence.digest.clone());
            written.unwrap_or_else(|| evidence_digest(&record))
        }),
        run_url: parts.run_url,
        run: record,
    }
}

/// Digest of what was judged and how, without anything that differs between two runs that found the same.
fn evidence_digest(record: &RunRecord) -> String {
    let gates: Vec<_> = record.stages.iter().map(|stage| (&stage.name, &stage.gates)).collect();
    let artifacts: Vec<_> = record
        .stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .flat_map(|step| {
            step.artifacts.iter().map(move |artifact| (&step.id, &artifact.output, &artifact.digest))
        })
        .collect();
    let json = serde_json::to_vec(&(&record.workflow_digest, gates, artifacts)).unwrap_or_default();
    runner_store::Digest::of_bytes(&json).to_string()
}

/// Where the schemas of steps speak of the columns that findings are about.
fn finding_places(record: &RunRecord, plan: &Plan, workspace: &Path) -> Vec<FindingPlace> {
    let mut places = Vec::new();
    for step in record.stages.iter().flat_map(|stage| &stage.steps) {
        let columns: BTreeSet<&str> =
            step.findings.iter().filter_map(|finding| finding.column.as_deref()).collect();
        let planned = plan.steps.iter().find(|planned| planned.id.to_string() == step.id);
        let schema = planned.and_then(|planned| match planned.inputs.get("schema")? {
            Source::Path(path) => Some(path.as_str()),
            _ => None,
        });
        let Some(path) = schema.filter(|_| !columns.is_empty()) else { continue };
        let Some(text) = read_inside(workspace, path) else { continue };
        for column in columns {
            // As a key first: a comment may speak of a column too.
            let is_key = |line: &str| line.trim_start_matches([' ', '-', '"', '\'']).starts_with(column);
            let named = || text.lines().position(|line| names(line, column));
            let line = text.lines().position(|line| is_key(line) && names(line, column)).or_else(named);
            places.extend(line.map(|line| FindingPlace {
                step: step.id.clone(),
                column: column.to_owned(),
                path: path.trim_start_matches("./").to_owned(),
                line: line + 1,
            }));
        }
    }
    places
}

/// Whether a line of a schema names a column as a whole word.
fn names(line: &str, column: &str) -> bool {
    let boundary = |character: Option<char>| {
        character.is_none_or(|character| !character.is_alphanumeric() && character != '_')
    };
    line.match_indices(column).any(|(at, found)| {
        boundary(line[..at].chars().next_back()) && boundary(line[at + found.len()..].chars().next())
    })
}

fn read_inside(workspace: &Path, path: &str) -> Option<String> {
    let root = workspace.canonicalize().ok()?;
    let file = root.join(path).canonicalize().ok().filter(|file| file.starts_with(&root))?;
    let metadata = std::fs::metadata(&file).ok()?;
    (metadata.is_file() && metadata.len() <= LARGEST_SCHEMA).then(|| std::fs::read_to_string(file).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_whole_words() {
        assert!(names("  age: { type: int }", "age"));
        assert!(names("- \"age\"", "age"));
        assert!(!names("  average: 1", "age"));
        assert!(!names("  age_group: 1", "age"));
    }
}
