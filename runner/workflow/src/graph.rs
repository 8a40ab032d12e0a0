//! The plan as a picture: Mermaid and Graphviz.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::plan::{Plan, Source};

/// A Mermaid flowchart: one box per stage, one node per step and data set, arrows for data and order.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (name, _) in &plan.data {
        let _ = writeln!(out, "    {}[(\"{}\")]", data_node(plan, name), escape_mermaid(name));
    }
    for (index, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "    subgraph stage{index}[\"{}\"]", escape_mermaid(&stage.name));
        for &step in &stage.steps {
            let _ =
                writeln!(out, "        step{step}[\"{}\"]", escape_mermaid(&plan.steps[step].id.to_string()));
        }
        for (gate, planned) in stage.gates.iter().enumerate() {
            let _ = writeln!(
                out,
                "        gate{index}x{gate}{{{{\"{}\"}}}}",
                escape_mermaid(&gate_label(planned))
            );
        }
        if let Some(promote) = &stage.promote {
            let label = format!("{}@{}", promote.registry, promote.alias);
            let _ = writeln!(out, "        promote{index}([\"{}\"])", escape_mermaid(&label));
        }
        out.push_str("    end\n");
    }
    for edge in edges(plan) {
        match edge.label {
            Some(label) => {
                let _ = writeln!(out, "    {} -->|\"{}\"| {}", edge.from, escape_mermaid(&label), edge.to);
            }
            None => {
                let _ = writeln!(out, "    {} -.-> {}", edge.from, edge.to);
            }
        }
    }
    out
}

/// The same as Graphviz DOT.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut out = format!("digraph \"{}\" {{\n", escape_dot(&plan.name));
    out.push_str("    rankdir=LR;\n    compound=true;\n    node [shape=box];\n");
    for (name, _) in &plan.data {
        let _ =
            writeln!(out, "    {} [shape=cylinder, label=\"{}\"];", data_node(plan, name), escape_dot(name));
    }
    for (index, stage) in plan.stages.iter().enumerate() {
        let _ = writeln!(out, "    subgraph cluster_{index} {{");
        let _ = writeln!(out, "        label=\"{}\";", escape_dot(&stage.name));
        // An invisible node, so that arrows between stages have ends and empty stages are drawn.
        let _ = writeln!(out, "        stage{index} [style=invis, shape=point];");
        for &step in &stage.steps {
            let _ = writeln!(
                out,
                "        step{step} [label=\"{}\"];",
                escape_dot(&plan.steps[step].id.to_string())
            );
        }
        for (gate, planned) in stage.gates.iter().enumerate() {
            let label = escape_dot(&gate_label(planned));
            let _ = writeln!(out, "        gate{index}x{gate} [shape=hexagon, label=\"{label}\"];");
        }
        if let Some(promote) = &stage.promote {
            let label = format!("{}@{}", promote.registry, promote.alias);
            let _ = writeln!(out, "        promote{index} [shape=oval, label=\"{}\"];", escape_dot(&label));
        }
        out.push_str("    }\n");
    }
    for edge in edges(plan) {
        let cluster = |end: &str| end.strip_prefix("stage").map(|index| format!("cluster_{index}"));
        let mut attributes = Vec::new();
        match &edge.label {
            Some(label) => attributes.push(format!("label=\"{}\"", escape_dot(label))),
            None => attributes.push("style=dashed".to_owned()),
        }
        if let (Some(tail), Some(head)) = (cluster(&edge.from), cluster(&edge.to)) {
            attributes.push(format!("ltail={tail}, lhead={head}"));
        }
        let _ = writeln!(out, "    {} -> {} [{}];", edge.from, edge.to, attributes.join(", "));
    }
    out.push_str("}\n");
    out
}

/// An arrow. Without a label it is order only.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    label: Option<String>,
}

fn edges(plan: &Plan) -> Vec<Edge> {
    let mut edges = BTreeSet::new();
    for (index, stage) in plan.stages.iter().enumerate() {
        for need in &stage.needs {
            edges.insert(Edge { from: format!("stage{need}"), to: format!("stage{index}"), label: None });
        }
        if let Some(promote) = &stage.promote {
            let (from, to) = (format!("step{}", promote.model.step), format!("promote{index}"));
            edges.insert(Edge { from, to, label: Some(promote.model.output.clone()) });
        }
    }
    for (index, step) in plan.steps.iter().enumerate() {
        let to = format!("step{index}");
        let mut fed_by = BTreeSet::new();
        for source in step.inputs.values() {
            match source {
                Source::Data(name) => {
                    let label = Some("data".to_owned());
                    edges.insert(Edge { from: data_node(plan, name), to: to.clone(), label });
                }
                Source::Output(output) => {
                    fed_by.insert(output.step);
                    let (from, label) = (format!("step{}", output.step), Some(output.output.clone()));
                    edges.insert(Edge { from, to: to.clone(), label });
                }
                Source::AllCells(outputs) => {
                    for output in outputs {
                        fed_by.insert(output.step);
                        let (from, label) = (format!("step{}", output.step), Some(output.output.clone()));
                        edges.insert(Edge { from, to: to.clone(), label });
                    }
                }
                Source::Baseline(_) | Source::Path(_) => {}
            }
        }
        for before in step.after.iter().filter(|before| !fed_by.contains(*before)) {
            edges.insert(Edge { from: format!("step{before}"), to: to.clone(), label: None });
        }
    }
    edges.into_iter().collect()
}

fn data_node(plan: &Plan, name: &str) -> String {
    format!("data{}", plan.data.get_index_of(name).unwrap_or_default())
}

fn gate_label(gate: &crate::plan::PlannedGate) -> String {
    match (&gate.line, &gate.mapping) {
        (Some(line), _) => line.clone(),
        (None, Some(mapping)) => {
            let text = |key: &str| mapping.get(key).and_then(serde_json::Value::as_str);
            text("id").or_else(|| text("metric")).unwrap_or("gate").to_owned()
        }
        (None, None) => "gate".to_owned(),
    }
}

/// Mermaid reads entities inside quotes; everything that could end the label or start markup becomes one.
fn escape_mermaid(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' | '|' | '[' | ']' | '{' | '}' => {
                let _ = write!(out, "#{};", u32::from(character));
            }
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

/// DOT reads backslash escapes inside quotes.
fn escape_dot(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}
