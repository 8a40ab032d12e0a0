//! References: `data.train`, `fit.model`, `fit[seed=0].model`, `fit[*].model`, `baseline.model`, a path.

use std::ops::Range;

use super::{matrix, outline::Outline};
use crate::{diagnostic::Diagnostic, expr, suggest};

/// A reference, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference<'t> {
    /// `data.NAME`
    Data(&'t str),
    /// `baseline.NAME`
    Baseline(&'t str),
    /// `STEP.OUTPUT`, `STEP[CELL].OUTPUT`, `STEP[*].OUTPUT`
    Output {
        /// Step and cell.
        step: StepText<'t>,
        /// Output.
        output: &'t str,
    },
    /// A path in the workspace.
    Path(&'t str),
}

/// `STEP`, `STEP[CELL]` or `STEP[*]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepText<'t> {
    /// Name of the step.
    pub(crate) name: &'t str,
    /// What stands in brackets.
    pub(crate) cell: Option<CellText<'t>>,
}

/// What stands in brackets after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellText<'t> {
    /// `*`
    All,
    /// `seed=0,depth=3`
    Values(Vec<(&'t str, &'t str)>),
}

/// Which cells of a step are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    /// The cell with the same values as the one that asks.
    Same,
    /// One cell.
    One(usize),
    /// All cells.
    All,
}

/// What is wrong with a reference: bytes of its text, what, and what to do.
type Malformed = (Range<usize>, String, Option<String>);

/// Take a reference apart.
pub(crate) fn parse(text: &str) -> Result<Reference<'_>, Malformed> {
    let is_path = |text: &str| text.contains('/') || text.starts_with('.');
    if !is_path(text) {
        if let Some(name) = text.strip_prefix("data.") {
            return Ok(Reference::Data(name));
        }
        if let Some(name) = text.strip_prefix("baseline.") {
            return Ok(Reference::Baseline(name));
        }
    }
    let bracket = text.find('[').filter(|at| expr::is_name(&text[..*at]));
    if bracket.is_none() && is_path(text) {
        return super::path::check(text).map(|()| Reference::Path(text)).map_err(|message| {
            (0..text.len(), message, Some("paths are relative to the workspace".to_owned()))
        });
    }
    let dot = match bracket {
        Some(_) => text.rfind("].").map(|at| at + 1),
        None => text.find('.'),
    };
    let Some(dot) = dot else {
        let help = if bracket.is_some() {
            "write `STEP[CELL].OUTPUT`".to_owned()
        } else {
            format!(
                "write `data.{text}` for a data set, `{text}.OUTPUT` for a step's output, `./{text}` for a file"
            )
        };
        return Err((0..text.len(), format!("`{text}` is not a reference"), Some(help)));
    };
    let output = &text[dot + 1..];
    let step = step(&text[..dot])?;
    if !expr::is_name(output) {
        let help = format!("if this is a file, write `./{text}`");
        return Err((dot + 1..text.len(), format!("`{output}` cannot be the name of an output"), Some(help)));
    }
    Ok(Reference::Output { step, output })
}

/// Take `STEP`, `STEP[CELL]` or `STEP[*]` apart.
pub(crate) fn step(text: &str) -> Result<StepText<'_>, Malformed> {
    let Some(open) = text.find('[') else {
        return if expr::is_name(text) {
            Ok(StepText { name: text, cell: None })
        } else {
            Err((0..text.len(), format!("`{text}` cannot be the name of a step"), None))
        };
    };
    let form = || Some("write `STEP[KEY=VALUE]` or `STEP[*]`".to_owned());
    let (name, rest) = (&text[..open], &text[open + 1..]);
    let Some(inner) = rest.strip_suffix(']').filter(|_| expr::is_name(name)) else {
        return Err((open..text.len(), format!("`{text}` does not name a cell of a step"), form()));
    };
    if inner.trim() == "*" {
        return Ok(StepText { name, cell: Some(CellText::All) });
    }
    let mut values = Vec::new();
    for pair in inner.split(',') {
        let Some((key, value)) = pair.split_once('=') else {
            let start = open + 1 + (pair.as_ptr() as usize - inner.as_ptr() as usize);
            return Err((start..start + pair.len(), format!("`{pair}` is not KEY=VALUE"), form()));
        };
        values.push((key.trim(), value.trim()));
    }
    Ok(StepText { name, cell: Some(CellText::Values(values)) })
}

impl Outline<'_> {
    /// The cells of step `target` that are meant, asked for from `from` (a stage with a matrix of its own, perhaps).
    pub(crate) fn choose(
        &self,
        target: usize,
        text: &StepText<'_>,
        from: Option<usize>,
        span: &Range<usize>,
    ) -> Result<Choice, Diagnostic> {
        let stage = &self.stages[self.steps[target].stage];
        let name = text.name;
        let example = || {
            let cells: Vec<_> = stage
                .cells
                .iter()
                .take(3)
                .map(|cell| format!("`{name}[{}]`", matrix::name(&cell.id)))
                .collect();
            let more = if stage.cells.len() > 3 { ", …" } else { "" };
            format!("choose a cell: {}{more}; or take all of them: `{name}[*]`", cells.join(", "))
        };
        match &text.cell {
            None if !stage.has_matrix => Ok(Choice::One(0)),
            None if from == Some(self.steps[target].stage) => Ok(Choice::Same),
            None => Err(Diagnostic::error(
                "reference::which-cell",
                span.clone(),
                format!("`{name}` runs once for each cell of a matrix, and this does not say which"),
            )
            .help(example())),
            Some(_) if !stage.has_matrix => Err(Diagnostic::error(
                "reference::no-matrix",
                span.clone(),
                format!("`{name}` has no matrix, so it has no cells"),
            )
            .help("remove the brackets")),
            Some(CellText::All) => Ok(Choice::All),
            Some(CellText::Values(values)) => {
                let written: Vec<_> =
                    values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
                if let Some(&index) = stage.cell_names.get(&matrix::name(&written)) {
                    return Ok(Choice::One(index));
                }
                let found = stage.cells.iter().position(|cell| {
                    cell.id.len() == values.len()
                        && values.iter().all(|(key, value)| {
                            cell.id.iter().any(|(k, v)| k == key && matrix::same_value(value, v))
                        })
                });
                found.map(Choice::One).ok_or_else(|| {
                    let names: Vec<_> =
                        stage.cells.iter().take(1000).map(|cell| matrix::name(&cell.id)).collect();
                    let nearest = suggest::nearest(&matrix::name(&written), names.iter().map(String::as_str));
                    let help =
                        nearest.map_or_else(example, |nearest| format!("did you mean `{name}[{nearest}]`?"));
                    Diagnostic::error(
                        "reference::unknown-cell",
                        span.clone(),
                        format!("`{name}` has no cell [{}]", matrix::name(&written)),
                    )
                    .help(help)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let output = |name, cell, output| Ok(Reference::Output { step: StepText { name, cell }, output });
        assert_eq!(parse("data.train"), Ok(Reference::Data("train")));
        assert_eq!(parse("baseline.model"), Ok(Reference::Baseline("model")));
        assert_eq!(parse("fit.model"), output("fit", None, "model"));
        assert_eq!(parse("fit[*].model"), output("fit", Some(CellText::All), "model"));
        let cell = CellText::Values(vec![("lr", "0.1"), ("seed", "0")]);
        assert_eq!(parse("fit[lr=0.1, seed=0].model"), output("fit", Some(cell), "model"));
        for path in ["./a.csv", "data/a.csv", "conf/", "."] {
            assert_eq!(parse(path), Ok(Reference::Path(path)), "{path}");
        }
        for text in [
            "",
            "train",
            "fit[].model",
            "fit[seed].model",
            "fit[seed=0]",
            "fit[seed=0]model",
            "a.b.c",
            "../x",
            "/x",
            "fit.",
            "..",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
