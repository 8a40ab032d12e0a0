//! Metrics as functions of how often each row counts: prepared once, evaluated on thousands of resamples.

/// A metric of some rows, ready to be computed for any multiplicity of them.
pub(crate) trait Statistic: Send + Sync {
    /// The metric where row i stands there `counts[i]` times; `None` where it is undefined.
    fn of(&self, counts: &[u8]) -> Option<f64>;
}

/// A function of K sums over the rows.
pub(crate) struct Sums<const K: usize, F> {
    /// What each row adds.
    pub(crate) rows: Vec<[f64; K]>,
    /// From the sums to the metric.
    pub(crate) formula: F,
}

impl<const K: usize, F: Fn([f64; K]) -> Option<f64> + Send + Sync> Statistic for Sums<K, F> {
    fn of(&self, counts: &[u8]) -> Option<f64> {
        let mut sums = [0.0; K];
        for (row, count) in self.rows.iter().zip(counts) {
            let count = f64::from(*count);
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += count * value;
            }
        }
        (self.formula)(sums)
    }
}

/// A function of K sums in each of several groups of rows, such as classes or bins.
pub(crate) struct GroupedSums<const K: usize, F> {
    /// What each row adds, and to which groups: one entry per pair.
    pub(crate) entries: Vec<(u32, u32, [f64; K])>,
    /// How many groups there are.
    pub(crate) groups: usize,
    /// From the sums to the metric.
    pub(crate) formula: F,
}

impl<const K: usize, F: Fn(&[[f64; K]]) -> Option<f64> + Send + Sync> Statistic for GroupedSums<K, F> {
    fn of(&self, counts: &[u8]) -> Option<f64> {
        let mut sums = vec![[0.0; K]; self.groups];
        for (row, group, values) in &self.entries {
            let count = f64::from(counts[*row as usize]);
            for (sum, value) in sums[*group as usize].iter_mut().zip(values) {
                *sum += count * value;
            }
        }
        (self.formula)(&sums)
    }
}

/// Set where the row is positive.
const POSITIVE: u32 = 1 << 31;
/// Set where the next row has another score.
const LAST_OF_TIES: u32 = 1 << 30;

/// A function of the rows in the order of their scores.
pub(crate) struct Ranked<F> {
    /// Rows by score, with the two flags above.
    order: Vec<u32>,
    weights: Option<Vec<f64>>,
    formula: F,
}

/// Weight of the positives and negatives at one score.
pub(crate) type Threshold = (f64, f64);

/// Visits every score that counts, in order.
pub(crate) type EachThreshold<'a> = dyn FnMut(&mut dyn FnMut(Threshold)) + 'a;

impl<F> Ranked<F> {
    /// From scores, labels and weights by row; lowest score first unless `descending`. None of more rows than fit.
    pub(crate) fn new(
        scores: &[f64],
        positive: &[bool],
        weights: Option<Vec<f64>>,
        descending: bool,
        formula: F,
    ) -> Option<Self> {
        let rows = u32::try_from(scores.len()).ok().filter(|rows| *rows < LAST_OF_TIES)?;
        let mut order: Vec<u32> = (0..rows).collect();
        order.sort_by(|a, b| {
            let order = (scores[*a as usize] + 0.0).total_cmp(&(scores[*b as usize] + 0.0));
            if descending { order.reverse() } else { order }
        });
        for at in 0..order.len() {
            let row = order[at] as usize;
            let last = order.get(at + 1).is_none_or(|next| scores[*next as usize] != scores[row]);
            order[at] |= if positive[row] { POSITIVE } else { 0 } | if last { LAST_OF_TIES } else { 0 };
        }
        Some(Self { order, weights, formula })
    }
}

impl<F: Fn(&mut EachThreshold<'_>) -> Option<f64> + Send + Sync> Statistic for Ranked<F> {
    fn of(&self, counts: &[u8]) -> Option<f64> {
        (self.formula)(&mut |visit| {
            let (mut positives, mut negatives) = (0.0, 0.0);
            for code in &self.order {
                let row = (code & !(POSITIVE | LAST_OF_TIES)) as usize;
                let mut weight = f64::from(counts[row]);
                if let Some(weights) = &self.weights {
                    weight *= weights[row];
                }
                if code & POSITIVE == 0 {
                    negatives += weight;
                } else {
                    positives += weight;
                }
                if code & LAST_OF_TIES != 0 {
                    if positives + negatives > 0.0 {
                        visit((positives, negatives));
                    }
                    (positives, negatives) = (0.0, 0.0);
                }
            }
        })
    }
}

/// Area under the ROC curve of unweighted rows: whole numbers in one pass.
pub(crate) struct RocArea(pub(crate) Ranked<()>);

impl Statistic for RocArea {
    fn of(&self, counts: &[u8]) -> Option<f64> {
        // Twice the ordered pairs; below 2^64 for all of 4 billion rows.
        let (mut twice, mut below, mut above) = (0_u64, 0_u64, 0_u64);
        let (mut positives, mut negatives) = (0_u64, 0_u64);
        for code in &self.0.order {
            let count = u64::from(counts[(code & !(POSITIVE | LAST_OF_TIES)) as usize]);
            let positive = u64::from(code >> 31) * count;
            positives += positive;
            negatives += count - positive;
            if code & LAST_OF_TIES != 0 {
                twice += positives * (2 * below + negatives);
                below += negatives;
                above += positives;
                (positives, negatives) = (0, 0);
            }
        }
        (below > 0 && above > 0).then(|| twice as f64 / 2.0 / above as f64 / below as f64)
    }
}

/// One number of several slices.
pub(crate) struct Aggregated<F> {
    /// Rows of each slice, and the metric of them.
    pub(crate) slices: Vec<(Vec<u32>, Box<dyn Statistic>)>,
    /// From the values to the number.
    pub(crate) aggregate: F,
}

impl<F: Fn(&mut Vec<f64>) -> Option<f64> + Send + Sync> Statistic for Aggregated<F> {
    fn of(&self, counts: &[u8]) -> Option<f64> {
        let mut own = Vec::new();
        let mut values = Vec::with_capacity(self.slices.len());
        for (rows, statistic) in &self.slices {
            own.clear();
            own.extend(rows.iter().map(|row| counts[*row as usize]));
            values.push(statistic.of(&own)?);
        }
        (self.aggregate)(&mut values)
    }
}
