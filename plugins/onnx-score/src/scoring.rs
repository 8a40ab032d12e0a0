//! From rows of data to rows of predictions, a batch at a time.

use std::io::{Read, Write};

use crate::{
    columns::{Columns, ColumnsError},
    config::{Answer, Config},
    model::{Metadata, Model, ModelError, Parsed},
    truth::Truth,
};

/// Rows that are given to the model at once.
const BATCH: usize = 1024;

/// Why there are no predictions. Rows count from 1 without the header.
#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The data does not fit.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// Not CSV, not UTF-8, or a row with more or fewer cells than the header.
    #[error("not a valid CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A cell cannot be used.
    #[error("row {row}, column `{column}`: {problem}")]
    Cell {
        /// Row number.
        row: u64,
        /// Column name.
        column: String,
        /// The cell.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The model's answer for a row is no probability, or no number at all.
    #[error("row {row}: the model gives {value}, which is not {expected}")]
    Answer {
        /// Row number.
        row: u64,
        /// The number.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// It is not known what the model's number is.
    #[error(
        "the model does not say what it predicts: set `as: score` (a probability) or `as: prediction` (a value)"
    )]
    Unclear,
    /// A threshold needs a probability.
    #[error("`threshold` needs a model that gives a probability")]
    Threshold,
    /// There is a header at most.
    #[error("the data has no rows")]
    NoRows,
    /// The predictions cannot be written.
    #[error("cannot write the predictions: {0}")]
    Write(csv::Error),
}

/// What was done, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Rows scored.
    pub rows: u64,
    /// The columns that were used.
    pub columns: Columns,
}

/// Scores every row of `data` with the ONNX document `model` and writes predictions.
pub fn score(
    model: &[u8],
    data: impl Read,
    predictions: impl Write,
    config: &Config,
) -> Result<Summary, ScoringError> {
    let parsed = Parsed::read(model)?;
    let answer = answer(config, &parsed.metadata)?;
    let truth = truth(config, &parsed.metadata, answer);
    let mut reader = csv::Reader::from_reader(data);
    let header: Vec<String> = reader.headers()?.iter().map(ToOwned::to_owned).collect();
    let columns = Columns::resolve(&header, config, &parsed.metadata)?;
    let names: Vec<String> = columns.features.iter().map(|(_, name)| name.clone()).collect();
    let model = parsed.prepare(&names, config.output_name.as_deref())?;
    let mut writer = csv::Writer::from_writer(predictions);
    write_header(&mut writer, &columns, answer, config.threshold).map_err(ScoringError::Write)?;

    let mut batch =
        Batch { rows: 0, first: 1, cells: Vec::with_capacity(BATCH * names.len()), kept: Vec::new() };
    let mut record = csv::StringRecord::new();
    let mut row = 0;
    while reader.read_record(&mut record)? {
        row += 1;
        batch.add(row, &record, &columns, &truth)?;
        if batch.rows == BATCH {
            batch.flush(&model, &mut writer, answer, config.threshold)?;
        }
    }
    if row == 0 {
        return Err(ScoringError::NoRows);
    }
    batch.flush(&model, &mut writer, answer, config.threshold)?;
    writer.flush().map_err(|error| ScoringError::Write(error.into()))?;
    Ok(Summary { rows: row, columns })
}

fn answer(config: &Config, metadata: &Metadata) -> Result<Answer, ScoringError> {
    let answer = match (config.answer, metadata.task.as_deref()) {
        (Some(answer), _) => answer,
        (None, Some("binary-classification")) => Answer::Score,
        (None, Some("regression")) => Answer::Prediction,
        _ => return Err(ScoringError::Unclear),
    };
    if config.threshold.is_some() && answer == Answer::Prediction {
        return Err(ScoringError::Threshold);
    }
    Ok(answer)
}

fn truth(config: &Config, metadata: &Metadata, answer: Answer) -> Truth {
    let positive = match &config.positive {
        Some(positive) => Some((positive.text(), None)),
        None => metadata.positive.clone().map(|positive| (positive, metadata.negative.clone())),
    };
    match (positive, answer, metadata.task.as_deref()) {
        (Some((positive, negative)), ..) => Truth::Class { positive, negative },
        (None, Answer::Prediction, Some("regression")) => Truth::Number,
        _ => Truth::Text,
    }
}

fn write_header(
    writer: &mut csv::Writer<impl Write>,
    columns: &Columns,
    answer: Answer,
    threshold: Option<f64>,
) -> Result<(), csv::Error> {
    let mut header = vec!["id"];
    header.extend(columns.label.as_ref().map(|_| "label"));
    header.push(match answer {
        Answer::Score => "score",
        Answer::Prediction => "prediction",
    });
    header.extend(threshold.map(|_| "prediction"));
    header.extend(columns.weight.map(|_| "weight"));
    header.extend(columns.slices.iter().map(|(_, name)| name.as_str()));
    writer.write_record(header)
}

/// The part of a row that stands in the predictions beside the model's number.
struct Kept {
    id: String,
    label: Option<String>,
    rest: Vec<String>,
}

/// Rows waiting for the model.
struct Batch {
    rows: usize,
    /// Number of the first row.
    first: u64,
    cells: Vec<f64>,
    kept: Vec<Kept>,
}

impl Batch {
    fn add(
        &mut self,
        row: u64,
        record: &csv::StringRecord,
        columns: &Columns,
        truth: &Truth,
    ) -> Result<(), ScoringError> {
        for (index, column) in &columns.features {
            let cell = record[*index].trim();
            match cell.parse::<f64>() {
                Ok(value) if value.is_finite() => self.cells.push(value),
                _ => {
                    let problem = if cell.is_empty() {
                        "empty cell, and the model needs a number".to_owned()
                    } else {
                        format!("`{cell}` is not a finite number")
                    };
                    return Err(ScoringError::Cell {
                        row,
                        column: column.clone(),
                        value: cell.to_owned(),
                        problem,
                    });
                }
            }
        }
        let label = match &columns.label {
            None => None,
            Some((index, column)) => {
                let cell = record[*index].trim();
                Some(truth.read(cell).map_err(|problem| ScoringError::Cell {
                    row,
                    column: column.clone(),
                    value: cell.to_owned(),
                    problem,
                })?)
            }
        };
        let id = columns.id.map_or_else(|| row.to_string(), |index| record[index].trim().to_owned());
        let rest = columns.weight.iter().chain(columns.slices.iter().map(|(index, _)| index));
        let rest = rest.map(|index| record[*index].to_owned()).collect();
        self.kept.push(Kept { id, label, rest });
        self.rows += 1;
        Ok(())
    }

    fn flush(
        &mut self,
        model: &Model,
        writer: &mut csv::Writer<impl Write>,
        answer: Answer,
        threshold: Option<f64>,
    ) -> Result<(), ScoringError> {
        if self.rows == 0 {
            return Ok(());
        }
        let numbers = model.score(&self.cells)?;
        let mut shortest = ryu::Buffer::new();
        for ((row, number), kept) in (self.first..).zip(numbers).zip(self.kept.drain(..)) {
            check(row, number, answer)?;
            let mut fields = vec![kept.id];
            fields.extend(kept.label);
            fields.push(shortest.format_finite(number).to_owned());
            fields.extend(threshold.map(|threshold| u8::from(number >= threshold).to_string()));
            fields.extend(kept.rest);
            writer.write_record(fields).map_err(ScoringError::Write)?;
        }
        self.first += self.rows as u64;
        self.rows = 0;
        self.cells.clear();
        Ok(())
    }
}

fn check(row: u64, value: f64, answer: Answer) -> Result<(), ScoringError> {
    if !value.is_finite() {
        return Err(ScoringError::Answer { row, value, expected: "a finite number" });
    }
    if answer == Answer::Score && !(0.0..=1.0).contains(&value) {
        return Err(ScoringError::Answer { row, value, expected: "a probability between 0 and 1" });
    }
    Ok(())
}
