//! Metrics of any number of classes. Formulas are in the table of the parent module.

use super::{Average, ClassMetric, Rows, binary, positive};
use crate::{predictions::Classes, sum::ExactSum};

/// Truth and prediction as codes of classes.
struct Codes<'a> {
    classes: &'a Classes,
    predicted: Predicted<'a>,
}

enum Predicted<'a> {
    /// A column says so.
    Codes(&'a [u32]),
    /// A score from some value on is the second class.
    Scores { scores: &'a [f64], from: f64, classes: [u32; 2] },
}

impl Codes<'_> {
    fn label(&self, row: usize) -> u32 {
        self.classes.label[row]
    }

    fn predicted(&self, row: usize) -> u32 {
        match self.predicted {
            Predicted::Codes(codes) => codes[row],
            Predicted::Scores { scores, from, classes } => classes[usize::from(scores[row] >= from)],
        }
    }
}

fn codes(rows: Rows<'_>) -> Result<Codes<'_>, String> {
    let classes = rows.all.classes()?;
    if let Some(prediction) = &classes.prediction {
        return Ok(Codes { classes, predicted: Predicted::Codes(prediction) });
    }
    if !rows.all.binary_labels {
        return Err("labels are not 0 and 1, so a column `prediction` is needed".to_owned());
    }
    let (scores, from) = binary::decisions(rows)?;
    // A class that no label has gets a code of its own.
    #[expect(clippy::cast_possible_truncation, reason = "there are at most two classes")]
    let code = |name: &str| {
        classes.names.iter().position(|known| known == name).unwrap_or(classes.names.len()) as u32
    };
    Ok(Codes { classes, predicted: Predicted::Scores { scores, from, classes: [code("0"), code("1")] } })
}

pub(super) fn accuracy(rows: Rows<'_>) -> Result<f64, String> {
    let codes = codes(rows)?;
    Ok(rows.weight_where(|row| codes.label(row) == codes.predicted(row)) / rows.total_weight()?)
}

/// Which rows are right.
pub(super) fn right(rows: Rows<'_>) -> Result<Vec<bool>, String> {
    let codes = codes(rows)?;
    Ok((0..rows.all.rows()).map(|row| codes.label(row) == codes.predicted(row)).collect())
}

/// Weights of one class.
#[derive(Clone)]
struct Tally {
    /// Of its labels.
    labels: ExactSum,
    /// Of its predictions.
    predictions: ExactSum,
    /// Of both.
    right: ExactSum,
}

/// Most classes that averages are computed for: each needs exact sums of about 2 KB.
const MAX_CLASSES: usize = 10_000;

/// Labels, predictions and hits of each class that occurs in the rows, with its name.
fn tallies(rows: Rows<'_>) -> Result<Vec<(String, [f64; 3])>, String> {
    let codes = codes(rows)?;
    let classes = codes.classes;
    let count = classes.names.len() + 1;
    if count > MAX_CLASSES {
        return Err(format!("there are {} classes, more than {MAX_CLASSES}", classes.names.len()));
    }
    let empty = Tally { labels: ExactSum::new(), predictions: ExactSum::new(), right: ExactSum::new() };
    let mut tallies = vec![empty; count];
    rows.each(|row| {
        let (label, predicted, weight) =
            (codes.label(row) as usize, codes.predicted(row) as usize, rows.weight(row));
        tallies[label].labels.add(weight);
        tallies[predicted].predictions.add(weight);
        if label == predicted {
            tallies[label].right.add(weight);
        }
    });
    let name =
        |code: usize| classes.names.get(code).map_or("not among the labels", String::as_str).to_owned();
    Ok(tallies
        .iter()
        .enumerate()
        .map(|(code, tally)| {
            (name(code), [tally.labels.value(), tally.predictions.value(), tally.right.value()])
        })
        .filter(|(_, [labels, predictions, _])| *labels > 0.0 || *predictions > 0.0)
        .collect())
}

pub(super) fn balanced_accuracy(rows: Rows<'_>) -> Result<f64, String> {
    let recalls: Vec<f64> = tallies(rows)?
        .into_iter()
        .filter(|(_, [labels, ..])| *labels > 0.0)
        .map(|(_, [labels, _, right])| right / labels)
        .collect();
    if recalls.len() < 2 {
        return Err("all labels are of one class".to_owned());
    }
    let classes = recalls.len() as f64;
    Ok(ExactSum::of(recalls) / classes)
}

pub(super) fn averaged(metric: ClassMetric, average: Average, rows: Rows<'_>) -> Result<f64, String> {
    let tallies = tallies(rows)?;
    let of = |name: &str, [labels, predictions, right]: [f64; 3]| match metric {
        ClassMetric::Precision => {
            Ok(right / positive(predictions, &format!("class `{name}` is never predicted"))?)
        }
        ClassMetric::Recall => Ok(right / positive(labels, &format!("no row has the label `{name}`"))?),
        ClassMetric::F1 => Ok::<f64, String>(2.0 * right / (labels + predictions)),
    };
    if average == Average::Micro {
        let total = |i: usize| ExactSum::of(tallies.iter().map(|(_, tally)| tally[i]));
        rows.total_weight()?;
        return of("any", [total(0), total(1), total(2)]);
    }
    let mut values = Vec::new();
    let mut weights = Vec::new();
    for (name, tally) in &tallies {
        let weight = if average == Average::Macro { 1.0 } else { tally[0] };
        if weight > 0.0 {
            values.push(of(name, *tally)? * weight);
            weights.push(weight);
        }
    }
    Ok(ExactSum::of(values) / positive(ExactSum::of(weights), "no class has a label")?)
}
