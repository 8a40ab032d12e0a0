//! Problems as SARIF 2.1.0, which code scanning services read.
//! Format: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>.

use runner_workflow::{Diagnostic, Severity};
use serde_json::{Value, json};

use super::{CheckedFile, Place, end_of};

/// Characters that may stand unescaped in the path of a URI (RFC 3986, `pchar` and `/`, without those that split).
const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The log: one run of this tool, its rules, one result per problem.
pub(crate) fn render(files: &[CheckedFile], version: &str) -> Result<String, serde_json::Error> {
    let mut codes: Vec<&str> =
        files.iter().flat_map(|file| &file.diagnostics).map(|diagnostic| diagnostic.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| json!({ "id": code, "name": rule_name(code) })).collect();
    let results: Vec<Value> = files
        .iter()
        .flat_map(|file| file.diagnostics.iter().map(|diagnostic| result(file, diagnostic, &codes)))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "runner", "semanticVersion": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "WORKSPACE": { "description": { "text": "The root of the workspace." } } },
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log)
}

/// `workflow::unknown-key` as `WorkflowUnknownKey`, the form that the format recommends for names of rules.
fn rule_name(code: &str) -> String {
    let words = code.split(|character: char| !character.is_ascii_alphanumeric());
    words
        .filter_map(|word| {
            let mut characters = word.chars();
            characters.next().map(|first| format!("{}{}", first.to_ascii_uppercase(), characters.as_str()))
        })
        .collect()
}

fn result(file: &CheckedFile, diagnostic: &Diagnostic, codes: &[&str]) -> Value {
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let start = Place { line: diagnostic.line, column: diagnostic.column };
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": { "text": format!("{}{help}", diagnostic.message) },
        "locations": [{ "physicalLocation": physical(file, &diagnostic.span, start) }],
    });
    if let Ok(index) = codes.binary_search(&diagnostic.code.as_str()) {
        result["ruleIndex"] = index.into();
    }
    if !diagnostic.related.is_empty() {
        let related = diagnostic.related.iter().enumerate().map(|(id, related)| {
            let start = Place { line: related.line, column: related.column };
            json!({
                "id": id,
                "message": { "text": related.message },
                "physicalLocation": physical(file, &related.span, start),
            })
        });
        result["relatedLocations"] = related.collect();
    }
    result
}

fn physical(file: &CheckedFile, span: &std::ops::Range<usize>, start: Place) -> Value {
    let end = end_of(&file.source, span, start);
    let uri = percent_encoding::utf8_percent_encode(&file.in_workspace, PATH).to_string();
    json!({
        "artifactLocation": { "uri": uri, "uriBaseId": "WORKSPACE" },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::samples;

    #[test]
    fn log() {
        insta::assert_snapshot!(render(&[samples::file()], "0.1.0").unwrap());
    }

    #[test]
    fn names_of_rules() {
        assert_eq!(rule_name("workflow::unknown-key"), "WorkflowUnknownKey");
        assert_eq!(rule_name("gate::unit"), "GateUnit");
    }
}
