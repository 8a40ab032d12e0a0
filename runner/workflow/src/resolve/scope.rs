//! Text that is known before the run: `params` and the values of one matrix cell.

use indexmap::IndexMap;

use super::matrix::Cell;
use crate::{
    diagnostic::Diagnostic,
    expr::{self, Scope, Status, Template},
};

/// Parameters and the values of a cell.
pub(crate) struct StaticScope<'a> {
    /// Parameters.
    pub(crate) params: &'a IndexMap<String, serde_json::Value>,
    /// The cell.
    pub(crate) cell: &'a Cell,
}

impl Scope for StaticScope<'_> {
    fn lookup(&self, path: &[String]) -> Option<serde_json::Value> {
        let (root, rest) = path.split_first()?;
        let (name, rest) = rest.split_first()?;
        let mut value = match root.as_str() {
            "params" => self.params.get(name)?,
            "matrix" => self.cell.values.get(name)?,
            _ => return None,
        };
        for segment in rest {
            value = match value {
                serde_json::Value::Object(map) => map.get(segment)?,
                serde_json::Value::Array(list) => list.get(segment.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value.clone())
    }

    fn status(&self) -> Status {
        Status::Success
    }
}

/// Whether a template uses only what is known before the run.
pub(crate) fn is_static(template: &Template) -> bool {
    template.exprs().all(|expr| {
        !expr.asks_for_status() && expr.paths().iter().all(|path| expr::STATIC.contains(&path[0].as_str()))
    })
}

impl StaticScope<'_> {
    /// The text of a template that was checked to be static.
    pub(crate) fn render(&self, template: &Template) -> Result<String, Diagnostic> {
        template.render(self).map_err(|error| {
            let mut message = error.to_string();
            if !self.cell.id.is_empty() {
                message = format!("{message} in the cell [{}]", super::matrix::name(&self.cell.id));
            }
            Diagnostic::error(error.code(), error.span(), message)
        })
    }
}
