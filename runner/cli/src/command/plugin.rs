//! `runner plugin`: what plugins say about themselves.

use std::fmt::Write as _;

use clap::Subcommand;
use serde_json::json;

use crate::{
    builtins,
    environment::{Environment, Look},
    exit_code::ExitCode,
    failure::Failure,
    output,
    plugins::{Inspected, Plugins},
    report::{quantity, visible},
    workspace,
};

/// Arguments of `runner plugin`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    view: View,
}

#[derive(Debug, Subcommand)]
enum View {
    /// List the plugins inside this binary.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what a plugin takes, gives and asks for.
    Inspect {
        /// `builtin:NAME`, or the path of a component.
        #[arg(value_name = "PLUGIN")]
        uses: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(arguments: &Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    let workspace = workspace::find(&environment.current_dir, None);
    let plugins = Plugins::new(&workspace, environment);
    match &arguments.view {
        View::Ls { json } => {
            let mut all = Vec::new();
            for plugin in builtins::ALL {
                all.push(plugins.inspect(&format!("builtin:{}", plugin.name))?);
            }
            if *json {
                output::print_json(&all)?;
            } else {
                output::print(&list(&all, environment.stdout))?;
            }
        }
        View::Inspect { uses, json } => {
            let plugin = plugins.inspect(&as_reference(uses, environment, &workspace))?;
            if *json {
                output::print_json(&plugin)?;
            } else {
                output::print(&show(&plugin, environment.stdout))?;
            }
        }
    }
    Ok(ExitCode::Passed)
}

/// A path as typed, which is relative to the current folder, as `uses:` would say it, relative to the workspace.
fn as_reference(uses: &str, environment: &Environment, workspace: &std::path::Path) -> String {
    if uses.contains(':') {
        return uses.to_owned();
    }
    let path = environment.current_dir.join(uses);
    let path = path.canonicalize().unwrap_or(path);
    let root = workspace.canonicalize().unwrap_or_else(|_| workspace.to_path_buf());
    match path.strip_prefix(&root) {
        Ok(inside) => format!("./{}", inside.display()),
        Err(_) => path.display().to_string(),
    }
}

fn list(all: &[Inspected], look: Look) -> String {
    let width = all.iter().map(|plugin| plugin.uses.len()).max().unwrap_or(0);
    let mut out = String::new();
    for plugin in all {
        let text = format!("{}  {}", plugin.manifest.version, plugin.manifest.summary);
        let _ = writeln!(
            out,
            "{}  {}",
            look.bold(&format!("{:width$}", plugin.uses)),
            visible::wrap(&visible::line(&text), look.width, width + 2)
        );
    }
    out
}

fn show(plugin: &Inspected, look: Look) -> String {
    let manifest = &plugin.manifest;
    let mut out = String::new();
    let _ =
        writeln!(out, "{} {}", look.bold(&visible::line(&manifest.name)), visible::line(&manifest.version));
    let _ = writeln!(out, "{}", visible::wrap(&visible::line(&manifest.summary), look.width, 0));
    let _ = writeln!(out, "digest  sha256:{}", plugin.sha256);
    let stages = if manifest.stages.is_empty() { "any".to_owned() } else { manifest.stages.join(", ") };
    let _ = writeln!(out, "stages  {}", visible::line(&stages));
    for (title, ports) in [("in", &manifest.inputs), ("out", &manifest.outputs)] {
        for port in ports {
            let need = if port.required { "" } else { " (optional)" };
            let text = format!(
                "{}: {}{need}: {}",
                port.name,
                json!(port.kind).as_str().unwrap_or("any"),
                port.summary
            );
            let _ = writeln!(out, "{title:<6}  {}", visible::wrap(&visible::line(&text), look.width, 8));
        }
    }
    for request in &manifest.capabilities {
        let need = if request.required { "needs" } else { "may use" };
        let text = format!(
            "{} {}: {}",
            json!(request.capability).as_str().unwrap_or("?"),
            request.scope,
            request.why
        );
        let _ = writeln!(out, "{need:<7} {}", visible::wrap(&visible::line(&text), look.width, 8));
    }
    if manifest.capabilities.is_empty() {
        out.push_str("asks for nothing beyond its inputs and outputs\n");
    }
    if !manifest.config_schema.is_null() {
        let schema = serde_json::to_string_pretty(&manifest.config_schema).unwrap_or_default();
        let _ = writeln!(out, "with (JSON Schema, {}):", quantity::size(schema.len() as u64));
        for line in schema.lines() {
            let _ = writeln!(out, "  {}", visible::line(line));
        }
    }
    out
}
