//! `params:` — the file it names, what is written in the workflow, and the command line, later ones winning.

use indexmap::IndexMap;

use crate::{
    check::CheckOptions,
    diagnostic::Diagnostic,
    document::AnyKey,
    problems::Problems,
    read::{Json, Read, Reader, Spanned, Table, mismatch},
    scalar::{self, Meaning},
    suggest,
    surroundings::Surroundings,
    yaml::{self, Content},
};

/// Parameters in the order: workflow, then file.
pub(crate) fn resolve(
    document: Option<&Spanned<Table<AnyKey, Json>>>,
    options: &CheckOptions,
    surroundings: &dyn Surroundings,
    problems: &mut Problems,
) -> IndexMap<String, serde_json::Value> {
    let mut params = IndexMap::new();
    let mut file = None;
    for (key, json) in document.map(|table| table.entries.as_slice()).unwrap_or_default() {
        if key == "file" {
            file = Some(json);
        } else {
            params.insert(key.clone(), json.value.value.clone());
        }
    }
    if let Some(file) = file {
        read_file(file, &mut params, surroundings, problems);
    }
    let span = document.map_or(0..0, |table| table.key.clone());
    for (key, text) in &options.params {
        if let Err(problem) = set(&mut params, key, text, problems) {
            let mut problem = problem;
            problem.span = span.clone();
            problems.push(problem);
        }
    }
    params
}

/// Add the parameters of a file; those written in the workflow win.
fn read_file(
    file: &Spanned<Json>,
    params: &mut IndexMap<String, serde_json::Value>,
    surroundings: &dyn Surroundings,
    problems: &mut Problems,
) {
    let Some(path) = file.value.value.as_str() else {
        let message = "`params.file` names a YAML file; it cannot be a parameter itself";
        let problem = Diagnostic::error("params::file", file.span.clone(), message);
        problems.push(problem.help("write the path of a file, or call the parameter something else"));
        return;
    };
    let text = match surroundings.read(path) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(
                Diagnostic::error(&problem.code, file.span.clone(), problem.message).maybe_help(problem.help),
            );
            return;
        }
    };
    let mut inner = Problems::default();
    let value = yaml::text(text.as_bytes(), &mut inner).and_then(|(text, base)| {
        let root = yaml::parse(text, base, &mut inner)?;
        let mut reader = Reader { text, base, problems: std::mem::take(&mut inner), expressions: 0 };
        let value = if matches!(root.content, Content::Map(_)) {
            Json::read(&root, &mut reader)
        } else {
            let problem = mismatch(&root, "parameters (a mapping)");
            reader.problems.push(problem);
            None
        };
        inner = reader.problems;
        value
    });
    for problem in inner.finish(text.as_bytes()) {
        let message = format!("{path}:{}:{}: {}", problem.line, problem.column, problem.message);
        problems.push(Diagnostic::error(&problem.code, file.span.clone(), message).maybe_help(problem.help));
    }
    let Some(serde_json::Value::Object(map)) = value.map(|json| json.value) else { return };
    for (key, value) in map {
        if params.contains_key(&key) {
            let message = format!("`{key}` is set both here and in {path}; the value written here counts");
            problems.push(
                Diagnostic::warning("params::shadowed", file.span.clone(), message)
                    .help("remove one of the two"),
            );
        } else {
            params.insert(key, value);
        }
    }
}

/// Override one parameter from the command line. The span of the problem is the caller's to fill in.
fn set(
    params: &mut IndexMap<String, serde_json::Value>,
    key: &str,
    text: &str,
    problems: &mut Problems,
) -> Result<(), Diagnostic> {
    let new = scalar_of(text).ok_or_else(|| {
        Diagnostic::error("params::value", 0..0, format!("-p {key}: `{text}` is not one YAML scalar"))
            .help("quote it: -p 'key=\"text\"'")
    })?;
    let unknown = |segment: &str, names: Vec<&str>| {
        let help = suggest::help(segment, names.iter().copied())
            .unwrap_or_else(|| "declare it under `params:`".to_owned());
        Diagnostic::error("params::unknown", 0..0, format!("-p {key}: the workflow has no parameter `{key}`"))
            .help(help)
    };
    // A key that is there as it is wins over a path into a mapping.
    let (first, rest) = match key.split_once('.') {
        Some((first, rest)) if !params.contains_key(key) => (first, Some(rest)),
        _ => (key, None),
    };
    if !params.contains_key(first) {
        return Err(unknown(first, params.keys().map(String::as_str).collect()));
    }
    let mut target = &mut params[first];
    for segment in rest.into_iter().flat_map(|rest| rest.split('.')) {
        let serde_json::Value::Object(map) = target else {
            return Err(unknown(segment, Vec::new()));
        };
        if !map.contains_key(segment) {
            return Err(unknown(segment, map.keys().map(String::as_str).collect()));
        }
        target = &mut map[segment];
    }
    let kind = |value: &serde_json::Value| std::mem::discriminant(value);
    if !target.is_null() && kind(target) != kind(&new) {
        let message = format!("-p {key}: {new} is of another type than the default value {target}");
        problems.push(Diagnostic::warning("params::type", 0..0, message));
    }
    *target = new;
    Ok(())
}

/// The one YAML scalar a text holds.
fn scalar_of(text: &str) -> Option<serde_json::Value> {
    let mut problems = Problems::default();
    if text.trim().is_empty() {
        return Some(serde_json::Value::Null);
    }
    let root = yaml::parse(text, 0, &mut problems)?;
    if problems.has_errors() {
        return None;
    }
    let Content::Scalar { text, plain } = &root.content else { return None };
    if !plain {
        return Some(text.clone().into_owned().into());
    }
    Some(match scalar::resolve(text) {
        Meaning::Null => serde_json::Value::Null,
        Meaning::Bool(value) => value.into(),
        Meaning::Number(value) => value.into(),
        Meaning::Text(value) => value.into(),
        Meaning::NotFinite => return None,
    })
}
