//! What a version was made from, in a few lines. The whole of it is in `--json`.

use serde_json::Value;

use crate::report::{quantity, visible};

/// Names and texts, in the order in which a person asks for them. What a record does not tell is left out.
pub(super) fn lines(lineage: &Value) -> Vec<(&'static str, String)> {
    let text = |name: &str| lineage[name].as_str().map(visible::line);
    let mut lines = Vec::new();
    if let Some(file) = text("file").or_else(|| text("workflow")) {
        let stage = text("stage").map(|stage| format!(", stage {stage}")).unwrap_or_default();
        lines.push(("workflow", format!("{file}{stage}")));
    }
    if let Some(commit) = text("git_commit") {
        let branch = text("git_branch").map(|branch| format!(" of {branch}")).unwrap_or_default();
        let dirty = if lineage["git_dirty"] == true { ", with changes that were not committed" } else { "" };
        lines.push(("commit", format!("{}{branch}{dirty}", commit.get(..12).unwrap_or(&commit))));
    }
    let params = lineage["params"].as_object().into_iter().flatten();
    let params: Vec<String> =
        params.map(|(name, value)| visible::line(&format!("{name} = {value}"))).collect();
    if !params.is_empty() {
        lines.push(("params", params.join(", ")));
    }
    for data in lineage["data"].as_array().into_iter().flatten() {
        let path = data["path"].as_str().unwrap_or_default();
        lines.push(("data", format!("{} {}", visible::line(path), digest(&data["digest"]))));
    }
    for step in lineage["steps"].as_array().into_iter().flatten() {
        let (id, runs) = (step["id"].as_str().unwrap_or_default(), step["runs"].as_str().unwrap_or_default());
        let first = runs.lines().next().unwrap_or_default();
        let text = format!("{}: {} {}", visible::line(id), visible::line(first), digest(&step["digest"]));
        lines.push(("step", text.trim_end().to_owned()));
    }
    lines
}

fn digest(value: &Value) -> String {
    value.as_str().map(|digest| visible::line(quantity::short_digest(digest))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        assert!(lines(&Value::Null).is_empty());
        let known =
            lines(&json!({ "git_commit": "abc", "git_dirty": true, "steps": [{ "id": "fit\u{1b}[1m" }] }));
        assert_eq!(known[0], ("commit", "abc, with changes that were not committed".to_owned()));
        assert!(!known[1].1.contains('\u{1b}'), "{known:?}");
    }
}
