//! The world as it was at a commit, as far as a workflow asks about it.

use std::{collections::BTreeMap, path::Path};

use runner_workflow::{
    CheckOptions, Checked,
    plan::PlannedGate,
    surroundings::{PluginManifest, Problem, Surroundings},
};

use crate::{git, surroundings::Outside};

/// A commit of the checkout.
pub(super) struct Revision<'a> {
    pub(super) outside: &'a Outside<'a>,
    pub(super) workspace: &'a Path,
    pub(super) commit: &'a str,
}

impl Revision<'_> {
    /// Checks a workflow of that commit.
    pub(super) fn check(&self, source: &[u8], name: &str, params: &[(String, String)]) -> Checked {
        let options = CheckOptions { file_name: name.to_owned(), params: params.to_vec() };
        runner_workflow::check(source, &options, self)
    }
}

impl Surroundings for Revision<'_> {
    fn manifest(&self, uses: &str) -> Result<Option<PluginManifest>, Problem> {
        // Other plugins are not of that commit: what they say now proves nothing, and what is not known is not checked.
        if uses.starts_with("builtin:") { self.outside.manifest(uses) } else { Ok(None) }
    }

    fn check_config(&self, _: &serde_json::Value, _: &serde_json::Value) -> Vec<Problem> {
        Vec::new()
    }

    fn check_gate(&self, gate: &PlannedGate, units: &BTreeMap<String, String>) -> Vec<Problem> {
        self.outside.check_gate(gate, units)
    }

    fn read(&self, path: &str) -> Result<String, Problem> {
        let path = format!("{}{path}", git::prefix(self.workspace));
        let bytes = git::file_at(self.workspace, self.commit, &path);
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| Problem {
            code: "workflow::file".to_owned(),
            message: format!("`{path}` is not in the base commit"),
            help: None,
            range: None,
            pointer: None,
        })
    }

    fn builtin_names(&self) -> Vec<String> {
        self.outside.builtin_names()
    }
}
