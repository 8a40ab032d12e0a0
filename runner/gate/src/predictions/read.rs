//! Reads predictions from CSV, JSON lines and Parquet.

use std::sync::OnceLock;

use super::{
    Classes, Outcomes, Predictions, all_binary, read_parquet,
    texts::{IdIndex, Interned, Texts},
};

/// Format of a predictions file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, UTF-8, with a header.
    Csv,
    /// One JSON object per line.
    JsonLines,
    /// Parquet with flat columns.
    Parquet,
}

impl Format {
    /// By the end of a file name: `.csv`, `.jsonl`, `.ndjson` or `.parquet`, whatever the case.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Why predictions cannot be used. Rows count from 1 without the header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PredictionsError {
    /// A column that must be there is not.
    #[error("predictions have no column {wanted}; they have: {found}")]
    MissingColumn {
        /// What is missing.
        wanted: &'static str,
        /// The columns found.
        found: String,
    },
    /// A column stands there twice.
    #[error("predictions have two columns `{0}`")]
    RepeatedColumn(String),
    /// A cell that must hold something usable does not.
    #[error("row {row}: {column} {problem}")]
    Cell {
        /// The row.
        row: usize,
        /// The column.
        column: String,
        /// What is wrong with it, such as `is missing`.
        problem: String,
    },
    /// Two rows have the same id.
    #[error("rows {first} and {second} have the same id `{id}`")]
    RepeatedId {
        /// One row.
        first: usize,
        /// The other.
        second: usize,
        /// The id.
        id: String,
    },
    /// There is no row.
    #[error("predictions have no rows")]
    Empty,
    /// More rows than the crate can count.
    #[error("predictions have more than {} rows", u32::MAX)]
    TooManyRows,
    /// The file is not of its format.
    #[error("predictions cannot be read: {0}")]
    Malformed(String),
}

/// Reads predictions.
pub fn read(bytes: &[u8], format: Format) -> Result<Predictions, PredictionsError> {
    match format {
        Format::Csv => read_csv(bytes),
        Format::JsonLines => read_json_lines(bytes),
        Format::Parquet => read_parquet::read(bytes),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "made for `map_err`")]
fn malformed(error: impl ToString) -> PredictionsError {
    PredictionsError::Malformed(error.to_string())
}

fn read_csv(bytes: &[u8]) -> Result<Predictions, PredictionsError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let names: Vec<String> =
        reader.headers().map_err(malformed)?.iter().map(|name| name.trim().to_owned()).collect();
    let mut columns = Columns::new(&names)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(malformed)? {
        columns.next_row()?;
        for (column, text) in record.iter().enumerate() {
            columns.push(column, text)?;
        }
    }
    columns.finish()
}

fn read_json_lines(bytes: &[u8]) -> Result<Predictions, PredictionsError> {
    type Row = serde_json::Map<String, serde_json::Value>;
    let text = std::str::from_utf8(bytes).map_err(malformed)?;
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parse = |number: usize, line: &str| {
        serde_json::from_str::<Row>(line).map_err(|error| malformed(format!("line {}: {error}", number + 1)))
    };
    let Some((number, first)) = lines().next() else { return Err(PredictionsError::Empty) };
    let names: Vec<String> = parse(number, first)?.keys().cloned().collect();
    let mut columns = Columns::new(&names)?;
    for (number, line) in lines() {
        let row = parse(number, line)?;
        columns.next_row()?;
        if let Some(unknown) = row.keys().find(|key| !names.contains(key)) {
            return Err(malformed(format!("line {}: `{unknown}` is not in the first row", number + 1)));
        }
        for (column, name) in names.iter().enumerate() {
            match row.get(name) {
                None | Some(serde_json::Value::Null) => columns.push(column, "")?,
                Some(serde_json::Value::String(text)) => columns.push(column, text)?,
                Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                    columns.push(column, &value.to_string())?;
                }
                Some(_) => return Err(columns.cell(column, "is a list or an object, not one value")),
            }
        }
    }
    columns.finish()
}

/// Columns while they are read.
pub(super) struct Columns {
    names: Vec<String>,
    cells: Vec<Cells>,
    rows: usize,
}

enum Cells {
    /// `id`, `label`, `prediction`: typed once all of them are known.
    Text(Texts),
    /// `score`, `weight`.
    Number(Vec<f64>),
    /// `score_CLASS`, `prob_CLASS`: numbers where the name is that of a class, which is known at the end.
    PerClass(Texts),
    /// Everything else.
    Slice(Interned),
}

impl Columns {
    pub(super) fn new(names: &[String]) -> Result<Self, PredictionsError> {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let missing = |wanted| PredictionsError::MissingColumn { wanted, found: names.join(", ") };
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(PredictionsError::RepeatedColumn(name.clone()));
            }
        }
        if !has("id") {
            return Err(missing("`id`"));
        }
        if !has("label") {
            return Err(missing("`label`"));
        }
        if !has("score") && !has("prediction") && !names.iter().any(|name| class_of_column(name).is_some()) {
            return Err(missing("`score` or `prediction`"));
        }
        let cells = names
            .iter()
            .map(|name| match name.as_str() {
                "id" | "label" | "prediction" => Cells::Text(Texts::default()),
                "score" | "weight" => Cells::Number(Vec::new()),
                name if class_of_column(name).is_some() => Cells::PerClass(Texts::default()),
                _ => Cells::Slice(Interned::default()),
            })
            .collect();
        Ok(Self { names: names.to_vec(), cells, rows: 0 })
    }

    pub(super) fn next_row(&mut self) -> Result<(), PredictionsError> {
        self.rows += 1;
        if u32::try_from(self.rows).is_err() { Err(PredictionsError::TooManyRows) } else { Ok(()) }
    }

    /// For columns that are filled one after the other.
    pub(super) fn set_row(&mut self, row: usize) -> Result<(), PredictionsError> {
        self.rows = row.saturating_sub(1);
        self.next_row()
    }

    pub(super) fn cell(&self, column: usize, problem: impl Into<String>) -> PredictionsError {
        PredictionsError::Cell { row: self.rows, column: self.names[column].clone(), problem: problem.into() }
    }

    /// Adds a cell to a column; an empty text is a missing cell.
    pub(super) fn push(&mut self, column: usize, text: &str) -> Result<(), PredictionsError> {
        let missing = text.trim().is_empty();
        match &mut self.cells[column] {
            Cells::Slice(cells) => cells.push(text),
            Cells::PerClass(cells) => cells.push(text),
            _ if missing => return Err(self.cell(column, "is missing")),
            Cells::Text(cells) => cells.push(text.trim()),
            Cells::Number(_) => {
                let number = text.trim().parse::<f64>();
                let number = number.map_err(|_| self.cell(column, format!("`{text}` is not a number")))?;
                return self.push_number(column, number);
            }
        }
        Ok(())
    }

    /// Adds a number to a column.
    pub(super) fn push_number(&mut self, column: usize, number: f64) -> Result<(), PredictionsError> {
        if let Cells::Number(cells) = &mut self.cells[column] {
            if number.is_finite() && (number >= 0.0 || self.names[column] != "weight") {
                cells.push(number);
                return Ok(());
            }
            let problem = if number.is_finite() { "is negative".to_owned() } else { format!("is {number}") };
            return Err(self.cell(column, problem));
        }
        self.push(column, &number.to_string())
    }

    pub(super) fn finish(self) -> Result<Predictions, PredictionsError> {
        let mut found = Found::default();
        for (name, cells) in self.names.into_iter().zip(self.cells) {
            match (name.as_str(), cells) {
                ("id", Cells::Text(cells)) => found.id = cells,
                ("label", Cells::Text(cells)) => found.label = cells,
                (_, Cells::Text(cells)) => found.prediction = Some(cells),
                ("score", Cells::Number(cells)) => found.score = Some(cells),
                (_, Cells::Number(cells)) => found.weight = Some(cells),
                (_, Cells::PerClass(cells)) => found.per_class.push((name, cells)),
                (_, Cells::Slice(cells)) => found.slices.push((name, cells)),
            }
        }
        let class_scores = found.class_scores();
        // `score_cat` and `prob_cat`.
        let twice = class_scores.iter().flatten().zip(class_scores.iter().flatten().skip(1));
        if let Some(((class, _), _)) = twice.into_iter().find(|(a, b)| a.0 == b.0) {
            return Err(PredictionsError::RepeatedColumn(format!("score_{class}")));
        }
        if let Some(scores) = class_scores.as_ref().filter(|_| found.prediction.is_none()) {
            found.prediction = Some(highest(scores, found.id.len()));
        }
        if found.score.is_none() && found.prediction.is_none() && found.id.len() > 0 {
            let names: Vec<&str> = found.slices.iter().map(|(name, _)| name.as_str()).collect();
            let wanted = "`score`, `prediction` or `score_CLASS` with the name of a class";
            return Err(PredictionsError::MissingColumn { wanted, found: names.join(", ") });
        }
        if found.id.len() == 0 {
            return Err(PredictionsError::Empty);
        }
        let id_index = IdIndex::new(&found.id).map_err(|(first, second)| PredictionsError::RepeatedId {
            first: first + 1,
            second: second + 1,
            id: found.id.get(first).to_owned(),
        })?;
        let outcomes = outcomes(&found.label, found.prediction.as_ref())?;
        let (binary_labels, predicts_binary) = match &outcomes {
            Outcomes::Numbers { label, prediction } => {
                (all_binary(label), all_binary(prediction.as_deref().unwrap_or_default()))
            }
            Outcomes::Classes(_) => (false, false),
        };
        Ok(Predictions {
            id_index,
            outcomes,
            binary_labels,
            predicts_binary,
            ids: found.id,
            score: found.score,
            weight: found.weight,
            slices: found.slices,
            class_scores,
            by_id: OnceLock::new(),
            by_score: OnceLock::new(),
            rank: OnceLock::new(),
            classes: OnceLock::new(),
        })
    }
}

#[derive(Default)]
struct Found {
    id: Texts,
    label: Texts,
    prediction: Option<Texts>,
    score: Option<Vec<f64>>,
    weight: Option<Vec<f64>>,
    slices: Vec<(String, Interned)>,
    per_class: Vec<(String, Texts)>,
}

/// The class that a column holds scores of, going by its name.
fn class_of_column(name: &str) -> Option<&str> {
    name.strip_prefix("score_").or_else(|| name.strip_prefix("prob_")).filter(|class| !class.is_empty())
}

impl Found {
    /// Takes the columns of numbers that are named after classes, if any is named after a class that a label has; the
    /// others become slice columns.
    fn class_scores(&mut self) -> Option<Vec<(String, Vec<f64>)>> {
        let columns = std::mem::take(&mut self.per_class);
        let wanted: Vec<&str> = columns.iter().filter_map(|(name, _)| class_of_column(name)).collect();
        let named = self.label.iter().any(|label| wanted.contains(&label));
        let mut scores = Vec::new();
        for (name, cells) in columns {
            let numbers = || {
                let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
                cells.iter().map(number).collect::<Option<Vec<f64>>>()
            };
            if let (Some(class), Some(numbers)) = (class_of_column(&name), named.then(numbers).flatten()) {
                scores.push((class.to_owned(), numbers));
            } else {
                let mut slice = Interned::default();
                cells.iter().for_each(|text| slice.push(text));
                self.slices.push((name, slice));
            }
        }
        // Whatever the order of the columns.
        scores.sort_by(|a, b| a.0.cmp(&b.0));
        (!scores.is_empty()).then_some(scores)
    }
}

/// The class with the highest score in each row; of equal ones the first by name.
fn highest(scores: &[(String, Vec<f64>)], rows: usize) -> Texts {
    let mut texts = Texts::default();
    for row in 0..rows {
        let best = scores.iter().reduce(|best, next| if next.1[row] > best.1[row] { next } else { best });
        texts.push(best.map_or("", |(class, _)| class));
    }
    texts
}

/// Numbers where every label and every prediction is one, classes by name otherwise.
fn outcomes(label: &Texts, prediction: Option<&Texts>) -> Result<Outcomes, PredictionsError> {
    let numbers = |texts: &Texts| texts.iter().map(number).collect::<Option<Vec<f64>>>();
    let prediction_numbers = prediction.map(&numbers);
    if let (Some(labels), None | Some(Some(_))) = (numbers(label), &prediction_numbers) {
        let predicted = prediction_numbers.flatten();
        for (column, values) in [("label", Some(&labels)), ("prediction", predicted.as_ref())] {
            if let Some(row) = values.and_then(|values| values.iter().position(|value| !value.is_finite())) {
                let problem = "is NaN or infinite".to_owned();
                return Err(PredictionsError::Cell { row: row + 1, column: column.to_owned(), problem });
            }
        }
        return Ok(Outcomes::Numbers { label: labels, prediction: predicted });
    }
    let mut all = Interned::default();
    for (column, texts) in [("label", Some(label)), ("prediction", prediction)] {
        for (row, text) in texts.into_iter().flat_map(Texts::iter).enumerate() {
            if ["nan", "null", "none", "na", "n/a"].contains(&text.to_lowercase().as_str()) {
                let problem = format!("is `{text}`, which reads as missing");
                return Err(PredictionsError::Cell { row: row + 1, column: column.to_owned(), problem });
            }
            all.push(text);
        }
    }
    let predicted = all.codes.split_off(label.len());
    Ok(Outcomes::Classes(Classes {
        names: all.values,
        label: all.codes,
        prediction: prediction.map(|_| predicted),
    }))
}

fn number(text: &str) -> Option<f64> {
    match text {
        "true" | "True" | "TRUE" => Some(1.0),
        "false" | "False" | "FALSE" => Some(0.0),
        _ => text.parse().ok(),
    }
}
