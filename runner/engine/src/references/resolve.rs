//! Finding every reference of a run before it starts, and planning the steps that score it.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use runner_workflow::plan::{Baseline, Kind, Plan, Source, StageIndex};

use super::{
    ReferenceRecord, ReferenceState, ReferencesInUse, Rescored, Role,
    find::{Finder, Found},
    rescore::{add_steps, candidate_models},
    roles_of_stages,
};
use crate::{options::RunOptions, staging::Published};

/// Finds what the gates and steps of the selected stages compare with, and adds the steps that score it to the plan.
///
/// Nothing that goes wrong here fails: gates that ask for a reference that cannot be read are errors, each with the reason.
pub(crate) async fn resolve(
    options: &mut RunOptions,
    selected: &[bool],
    workspace: &Path,
) -> ReferencesInUse {
    let plan = Arc::clone(&options.plan);
    let mut in_use = ReferencesInUse::default();
    let roles = roles_of_stages(&plan, selected);
    let candidates = candidate_models(&plan, selected);
    let candidate = candidates.first();
    let path_of_candidate = candidate
        .and_then(|model| Some(plan.steps[model.step].outputs.get(&model.output)?.path.clone()))
        .unwrap_or_else(|| "model".to_owned());
    let finder = Finder {
        store: &options.store,
        registry: options.registry.as_ref(),
        workspace,
        workflow: &plan.name,
        candidate: candidate.map(|model| (plan.steps[model.step].id.to_string(), model.output.clone())),
        revisions: &options.revisions,
        trusted: &options.trusted_keys,
    };
    let stored_only =
        plan.baseline.as_ref().is_some_and(|baseline| baseline.evaluate.as_deref() == Some("stored"));
    let mut planned: Option<Plan> = None;
    let mut rescored: BTreeMap<usize, Rescored> = BTreeMap::new();
    for role in Role::ALL {
        let judged: Vec<StageIndex> =
            (0..plan.stages.len()).filter(|stage| roles[*stage].contains(&role)).collect();
        let as_input = is_input(&plan, selected, role);
        if judged.is_empty() && !as_input {
            continue;
        }
        let Some((written, found)) = look(&plan, role, &finder).await else { continue };
        let mut record = ReferenceRecord {
            role,
            reference: written.clone(),
            digest: None,
            version: None,
            run: None,
            state: ReferenceState::Never,
        };
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                let reason = format!("{written}: {reason}");
                in_use.unreadable.insert(role, reason.clone());
                record.state = ReferenceState::Unreadable(reason);
                in_use.records.push(record);
                continue;
            }
        };
        if role == Role::Baseline {
            note_alias(&mut in_use, &written, found.as_ref());
            in_use.rubber_stamp =
                found.is_none() && plan.baseline.as_ref().is_some_and(Baseline::allows_rubber_stamp);
        }
        if let Some(found) = found {
            record.digest = found.model.as_ref().map(|model| model.digest.to_string());
            record.version = found.version;
            record.run.clone_from(&found.run);
            if let Some(object) = &found.model {
                let path = found.path.clone().unwrap_or_else(|| path_of_candidate.clone());
                in_use.models.insert(role, Published { object: *object, kind: Kind::Model, path });
            }
            let usable = usable(&options.store, &found, stored_only || found.model.is_none());
            record.state = match usable {
                Err(reason) => {
                    in_use.models.remove(&role);
                    unreadable(&mut in_use, role, &written, &reason)
                }
                Ok(()) if judged.is_empty() => ReferenceState::Found,
                Ok(()) if stored_only || found.model.is_none() => match found.stored {
                    Ok(stored) => {
                        in_use.stored.insert(role, stored);
                        ReferenceState::Stored
                    }
                    Err(reason) => unreadable(&mut in_use, role, &written, &reason),
                },
                Ok(()) => {
                    let plan = planned.get_or_insert_with(|| plan.as_ref().clone());
                    match add_steps(plan, role, &judged, &candidates, &rescored) {
                        Ok(added) => {
                            rescored.extend(added);
                            ReferenceState::SameRun
                        }
                        Err(reason) => unreadable(&mut in_use, role, &written, &reason),
                    }
                }
            };
        }
        in_use.records.push(record);
    }
    in_use.rescored = rescored.into_iter().collect();
    if let Some(planned) = planned {
        options.plan = Arc::new(planned);
    }
    in_use
}

fn unreadable(in_use: &mut ReferencesInUse, role: Role, written: &str, reason: &str) -> ReferenceState {
    let reason = format!("{written}: {reason}");
    in_use.unreadable.insert(role, reason.clone());
    ReferenceState::Unreadable(reason)
}

/// What a reference is written as, and what is there; `None` where the workflow names no such reference.
async fn look(
    plan: &Plan,
    role: Role,
    finder: &Finder<'_>,
) -> Option<(String, Result<Option<Found>, String>)> {
    let baseline = plan.baseline.as_ref();
    let written = match role {
        Role::Baseline => baseline?.model.clone(),
        Role::Anchor => baseline?.anchor.clone()?,
        Role::Previous => return Some(("the run before".to_owned(), finder.previous())),
    };
    let found = finder.find(&written).await;
    Some((written, found))
}

fn is_input(plan: &Plan, selected: &[bool], role: Role) -> bool {
    let steps = plan.steps.iter().filter(|step| selected[step.stage]);
    steps
        .flat_map(|step| step.inputs.values())
        .any(|source| matches!(source, Source::Baseline(name) if Role::of_input(name) == Some(role)))
}

/// Remembers where the alias pointed, for a promotion over it.
fn note_alias(in_use: &mut ReferencesInUse, written: &str, found: Option<&Found>) {
    if let Some((model, alias)) = written.strip_prefix("registry:").and_then(|name| name.split_once('@')) {
        let version = found.and_then(|found| found.version);
        in_use.expected = Some((model.to_owned(), alias.to_owned(), version));
    }
}

/// Whether the bytes of the model are there and whole, where they are needed.
fn usable(store: &runner_store::Store, found: &Found, stored: bool) -> Result<(), String> {
    match &found.model {
        Some(model) if !stored => store.verify(&model.digest).map(|_| ()).map_err(|error| error.to_string()),
        _ => Ok(()),
    }
}
