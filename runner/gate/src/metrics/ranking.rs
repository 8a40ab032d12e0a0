//! Metrics of ranked answers to queries. Formulas are in the table of the parent module.

use super::{Rows, positive};
use crate::{predictions::Outcomes, sum::ExactSum};

/// Rows of one query.
pub(super) struct Query {
    pub(super) rows: Vec<usize>,
    pub(super) weight: f64,
}

/// The column that tells queries apart.
pub(crate) fn query_column(rows: Rows<'_>) -> Result<&str, String> {
    ["query", "group"]
        .into_iter()
        .find(|wanted| rows.all.slice_columns().any(|name| name == *wanted))
        .ok_or_else(|| "predictions have no column `query` or `group`".to_owned())
}

/// Relevances and scores.
fn graded(rows: Rows<'_>) -> Result<(&[f64], &[f64]), String> {
    let scores = super::binary::scores(rows)?;
    match &rows.all.outcomes {
        Outcomes::Numbers { label, .. } if label.iter().all(|label| *label >= 0.0) => Ok((label, scores)),
        _ => Err("labels must be relevances: numbers from 0 up".to_owned()),
    }
}

/// The queries of the rows, in the order of their names.
pub(super) fn queries(rows: Rows<'_>) -> Result<Vec<Query>, String> {
    let column = query_column(rows)?;
    let Some((_, cells)) = rows.all.slices.iter().find(|(name, _)| name == column) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); cells.values.len()];
    rows.each(|row| found[cells.codes[row] as usize].push(row));
    let mut named: Vec<(&str, Vec<usize>)> =
        cells.values.iter().map(String::as_str).zip(found).filter(|(_, rows)| !rows.is_empty()).collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    named
        .into_iter()
        .map(|(name, of_query)| {
            let weight = rows.weight(of_query[0]);
            if of_query.iter().any(|row| rows.weight(*row) != weight) {
                return Err(format!("rows of the query `{name}` differ in weight"));
            }
            Ok(Query { rows: of_query, weight })
        })
        .collect()
}

/// What is computed of each query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum OfQuery {
    /// Normalised discounted cumulative gain of the first so many.
    Gain(u32),
    /// 1 / rank of the first relevant row.
    ReciprocalRank,
}

/// The value of each query, in the order of [`queries`].
pub(super) fn values(what: OfQuery, rows: Rows<'_>) -> Result<Vec<(Query, f64)>, String> {
    let (relevance, scores) = graded(rows)?;
    Ok(queries(rows)?
        .into_iter()
        .map(|query| {
            let pairs: Vec<(f64, f64)> =
                query.rows.iter().map(|row| (scores[*row], relevance[*row])).collect();
            let value = match what {
                OfQuery::Gain(k) => normalised_gain(pairs, k),
                OfQuery::ReciprocalRank => reciprocal_rank(&pairs),
            };
            (query, value)
        })
        .collect())
}

pub(super) fn mean(what: OfQuery, rows: Rows<'_>) -> Result<f64, String> {
    let values = values(what, rows)?;
    let total =
        positive(ExactSum::of(values.iter().map(|(query, _)| query.weight)), "the weights add up to 0")?;
    Ok(ExactSum::of(values.iter().map(|(query, value)| query.weight * value)) / total)
}

/// Rows of equal scores share the mean of their gains; 0 where nothing is relevant.
fn normalised_gain(mut pairs: Vec<(f64, f64)>, k: u32) -> f64 {
    let discount = |rank: usize| {
        if rank < k as usize { 1.0 / (rank as f64 + 2.0).log2() } else { 0.0 }
    };
    pairs.sort_unstable_by(|a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then(b.1.total_cmp(&a.1)));
    let (mut gain, mut rank) = (0.0, 0);
    for tied in pairs.chunk_by(|a, b| a.0 == b.0) {
        let mean = tied.iter().map(|(_, relevance)| relevance).sum::<f64>() / tied.len() as f64;
        gain += mean * (rank..rank + tied.len()).map(discount).sum::<f64>();
        rank += tied.len();
    }
    pairs.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
    let ideal: f64 = pairs.iter().enumerate().map(|(rank, (_, relevance))| relevance * discount(rank)).sum();
    if ideal > 0.0 { gain / ideal } else { 0.0 }
}

/// Rows of equal scores stand as badly as they may; 0 where nothing is relevant.
fn reciprocal_rank(pairs: &[(f64, f64)]) -> f64 {
    let best = pairs.iter().filter(|(_, relevance)| *relevance > 0.0).map(|(score, _)| *score);
    let Some(best) = best.max_by(f64::total_cmp) else { return 0.0 };
    let before = pairs.iter().filter(|(score, relevance)| *score >= best && *relevance <= 0.0).count();
    let above = pairs.iter().filter(|(score, relevance)| *score > best && *relevance > 0.0).count();
    1.0 / (before + above + 1) as f64
}
