//! `on:` — whether an event starts a workflow.

mod glob;
#[cfg(test)]
mod tests;

use runner_workflow::plan::{Patterns, Trigger};

use crate::event::Event;

/// What is known about the files that an event changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedFiles {
    /// These, as paths from the root of the repository.
    Known(Vec<String>),
    /// They cannot be found out, for this reason. Then the workflow runs: what was not looked at is not known to be
    /// harmless. GitHub does the same.
    Unknown(String),
}

/// Whether a workflow runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// It does. With a notice where something could not be found out.
    Runs {
        /// For a person to see.
        notice: Option<String>,
    },
    /// It does not, because of its `on:`.
    Excluded {
        /// Why, in words.
        why: String,
    },
}

/// Decide. Files are asked for only where a `paths` filter needs them.
pub fn select(
    triggers: Option<&[Trigger]>,
    event: &Event,
    files: impl FnOnce() -> ChangedFiles,
) -> Selection {
    let Some(triggers) = triggers else { return Selection::Runs { notice: None } };
    let name = event.name();
    let own: Vec<&Trigger> = triggers.iter().filter(|trigger| trigger.event == name).collect();
    if own.is_empty() {
        let known: Vec<&str> = triggers.iter().map(|trigger| trigger.event.as_str()).collect();
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        return Selection::Excluded { why: format!("`on:` names {known}, and this is `{name}`") };
    }
    let mut files = Some(files);
    let mut known: Option<ChangedFiles> = None;
    let mut why = String::new();
    for trigger in own {
        match excluded(trigger, event) {
            Some(reason) => why = reason,
            None if trigger.paths == Patterns::Any || is_without_paths(event) => {
                return Selection::Runs { notice: None };
            }
            None => {
                if let Some(files) = files.take() {
                    known = Some(files());
                }
                match &known {
                    Some(ChangedFiles::Known(files)) => match paths(&trigger.paths, files) {
                        Ok(()) => return Selection::Runs { notice: None },
                        Err(reason) => why = reason,
                    },
                    Some(ChangedFiles::Unknown(reason)) => {
                        let notice =
                            format!("the changed files are not known, so `paths` excludes nothing: {reason}");
                        return Selection::Runs { notice: Some(notice) };
                    }
                    None => {}
                }
            }
        }
    }
    Selection::Excluded { why }
}

/// Why everything but the paths excludes an event.
fn excluded(trigger: &Trigger, event: &Event) -> Option<String> {
    if let Some(action) = event.action() {
        let default: &[&str] = match event {
            // GitHub's own defaults; other events start for every kind of activity.
            Event::PullRequest(_) => &["opened", "synchronize", "reopened"],
            Event::MergeGroup(_) => &["checks_requested"],
            _ => &[],
        };
        let wanted: Vec<&str> = match trigger.types.as_slice() {
            [] => default.to_vec(),
            types => types.iter().map(String::as_str).collect(),
        };
        if !wanted.is_empty() && !wanted.contains(&action) {
            return Some(format!("its kind is `{action}`, and `types` has {}", wanted.join(", ")));
        }
    }
    match event {
        Event::PullRequest(event) => {
            reference("branches", &trigger.branches, &event.pull_request.base.branch)
        }
        Event::MergeGroup(event) => {
            let base = &event.merge_group.base_ref;
            reference("branches", &trigger.branches, base.strip_prefix("refs/heads/").unwrap_or(base))
        }
        Event::Push(event) => {
            if event.deleted {
                return Some("it deletes a branch or a tag".to_owned());
            }
            match (event.reference.strip_prefix("refs/heads/"), event.reference.strip_prefix("refs/tags/")) {
                (Some(branch), _) if trigger.branches == Patterns::Any && trigger.tags != Patterns::Any => {
                    Some(format!("it pushes the branch `{branch}`, and only `tags` are named"))
                }
                (_, Some(tag)) if trigger.tags == Patterns::Any && trigger.branches != Patterns::Any => {
                    Some(format!("it pushes the tag `{tag}`, and only `branches` are named"))
                }
                (Some(branch), _) => reference("branches", &trigger.branches, branch),
                (_, Some(tag)) => reference("tags", &trigger.tags, tag),
                (None, None) => None,
            }
        }
        Event::WorkflowRun(event) => {
            let run = &event.workflow_run;
            let name = run.name.as_deref().unwrap_or_default();
            if !trigger.workflows.is_empty() && !trigger.workflows.iter().any(|known| known == name) {
                return Some(format!(
                    "the workflow is `{name}`, and `workflows` has {}",
                    trigger.workflows.join(", ")
                ));
            }
            reference("branches", &trigger.branches, run.head_branch.as_deref().unwrap_or_default())
        }
        _ => None,
    }
}

fn reference(key: &str, patterns: &Patterns, name: &str) -> Option<String> {
    let passes = match patterns {
        Patterns::Any => true,
        Patterns::Only(only) => included(only, name),
        Patterns::Except(except) => !except.iter().any(|pattern| glob::matches(pattern, name)),
    };
    let key = if matches!(patterns, Patterns::Except(_)) { format!("{key}-ignore") } else { key.to_owned() };
    (!passes).then(|| format!("`{name}` does not pass `{key}`"))
}

/// The last pattern that matches decides; `!` excludes.
fn included(patterns: &[String], text: &str) -> bool {
    let mut included = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) => included &= !glob::matches(pattern, text),
            None => included |= glob::matches(pattern, text),
        }
    }
    included
}

/// GitHub looks at no paths when a tag is pushed, and for events that change no files.
fn is_without_paths(event: &Event) -> bool {
    match event {
        Event::Push(event) => !event.reference.starts_with("refs/heads/"),
        Event::PullRequest(_) => false,
        _ => true,
    }
}

fn paths(patterns: &Patterns, files: &[String]) -> Result<(), String> {
    let passes = match patterns {
        Patterns::Any => true,
        Patterns::Only(only) => files.iter().any(|file| included(only, file)),
        Patterns::Except(except) => {
            files.iter().any(|file| !except.iter().any(|pattern| glob::matches(pattern, file)))
        }
    };
    if passes {
        return Ok(());
    }
    Err(match patterns {
        Patterns::Except(_) => format!("all changed files ({}) are in `paths-ignore`", files.len()),
        _ => format!("none of the changed files ({}) is in `paths`", files.len()),
    })
}
