//! Metrics of any number of classes. Formulas are in the table of the parent module.

use super::{Average, ClassMetric, Rows, binary, positive};
use crate::{predictions::Classes, sum::ExactSum};

/// Truth and prediction as codes of classes.
pub(crate) struct Codes<'a> {
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
    /// Name of every code, that of a class which only a score can give included.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.classes.names.clone();
        if let Predicted::Scores { classes, .. } = self.predicted {
            let foreign = ["0", "1"].iter().zip(classes).find(|(_, code)| *code as usize == names.len());
            names.extend(foreign.map(|(name, _)| (*name).to_owned()));
        }
        names
    }

    /// How many classes there are, and one more for what is predicted and no label has.
    pub(super) fn count(&self) -> usize {
        self.classes.names.len() + 1
    }

    pub(crate) fn label(&self, row: usize) -> u32 {
        self.classes.label[row]
    }

    pub(crate) fn predicted(&self, row: usize) -> u32 {
        match self.predicted {
            Predicted::Codes(codes) => codes[row],
            Predicted::Scores { scores, from, classes } => classes[usize::from(scores[row] >= from)],
        }
    }
}

pub(crate) fn codes(rows: Rows<'_>) -> Result<Codes<'_>, String> {
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
pub(crate) fn right(rows: Rows<'_>) -> Result<Vec<bool>, String> {
    let codes = codes(rows)?;
    Ok((0..rows.all.rows()).map(|row| codes.label(row) == codes.predicted(row)).collect())
}

/// Weights of one class: of its labels, of its predictions, of both.
pub(super) type Tally = [f64; 3];

/// Most classes that averages are computed for: each needs exact sums of about 2 KB.
const MAX_CLASSES: usize = 10_000;

/// Labels, predictions and hits of each class that occurs in the rows, with its name.
fn tallies(rows: Rows<'_>) -> Result<Vec<(String, Tally)>, String> {
    let codes = codes(rows)?;
    let names = &codes.classes.names;
    if names.len() >= MAX_CLASSES {
        return Err(format!("there are {} classes, {MAX_CLASSES} or more", names.len()));
    }
    // One more for a class that is predicted and no label has.
    let tallies = if rows.all.weight.is_some() {
        weighted(rows, &codes, names.len() + 1)
    } else {
        counted(rows, &codes, names.len() + 1)
    };
    let name = |code: usize| names.get(code).map_or("not among the labels", String::as_str).to_owned();
    Ok(tallies
        .into_iter()
        .enumerate()
        .map(|(code, tally)| (name(code), tally))
        .filter(|(_, [labels, predictions, _])| *labels > 0.0 || *predictions > 0.0)
        .collect())
}

fn counted(rows: Rows<'_>, codes: &Codes<'_>, classes: usize) -> Vec<Tally> {
    let mut counts = vec![[0_u32; 3]; classes];
    rows.each(|row| {
        let (label, predicted) = (codes.label(row) as usize, codes.predicted(row) as usize);
        counts[label][0] += 1;
        counts[predicted][1] += 1;
        counts[label][2] += u32::from(label == predicted);
    });
    counts.into_iter().map(|count| count.map(f64::from)).collect()
}

fn weighted(rows: Rows<'_>, codes: &Codes<'_>, classes: usize) -> Vec<Tally> {
    let mut sums = vec![[const { ExactSum::new() }; 3]; classes];
    rows.each(|row| {
        let (label, predicted, weight) =
            (codes.label(row) as usize, codes.predicted(row) as usize, rows.weight(row));
        sums[label][0].add(weight);
        sums[predicted][1].add(weight);
        if label == predicted {
            sums[label][2].add(weight);
        }
    });
    sums.into_iter().map(|sums| sums.map(|sum| sum.value())).collect()
}

pub(super) fn balanced_accuracy(rows: Rows<'_>) -> Result<f64, String> {
    let tallies = tallies(rows)?;
    balanced(tallies.into_iter().map(|(_, tally)| tally))
}

pub(super) fn balanced(tallies: impl Iterator<Item = Tally>) -> Result<f64, String> {
    let recalls: Vec<f64> =
        tallies.filter(|[labels, ..]| *labels > 0.0).map(|[labels, _, right]| right / labels).collect();
    if recalls.len() < 2 {
        return Err("all labels are of one class".to_owned());
    }
    let classes = recalls.len() as f64;
    Ok(ExactSum::of(recalls) / classes)
}

pub(super) fn averaged(metric: ClassMetric, average: Average, rows: Rows<'_>) -> Result<f64, String> {
    average_of(metric, average, &tallies(rows)?)
}

/// The average over classes with labels or predictions.
pub(super) fn average_of(
    metric: ClassMetric,
    average: Average,
    tallies: &[(String, Tally)],
) -> Result<f64, String> {
    let of = |name: &str, [labels, predictions, right]: Tally| match metric {
        ClassMetric::Precision => {
            Ok(right / positive(predictions, &format!("class `{name}` is never predicted"))?)
        }
        ClassMetric::Recall => Ok(right / positive(labels, &format!("no row has the label `{name}`"))?),
        ClassMetric::F1 => Ok::<f64, String>(2.0 * right / (labels + predictions)),
    };
    if average == Average::Micro {
        let total = |i: usize| ExactSum::of(tallies.iter().map(|(_, tally)| tally[i]));
        positive(total(0), "the weights add up to 0")?;
        return of("any", [total(0), total(1), total(2)]);
    }
    let mut values = Vec::new();
    let mut weights = Vec::new();
    for (name, tally) in tallies {
        let weight = if average == Average::Macro { 1.0 } else { tally[0] };
        if weight > 0.0 {
            values.push(of(name, *tally)? * weight);
            weights.push(weight);
        }
    }
    Ok(ExactSum::of(values) / positive(ExactSum::of(weights), "no class has a label")?)
}
