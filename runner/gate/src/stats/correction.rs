//! p-values of several comparisons at once.

/// How p-values are adjusted within a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// Not at all.
    #[default]
    None,
    /// Holm's step-down (S. Holm, 1979): the chance of even one false call stays below 1 − confidence.
    Holm,
    /// Benjamini and Hochberg's step-up (1995): of all calls made, the expected share of false ones stays below it.
    BenjaminiHochberg,
}

impl Correction {
    /// The word of the mapping form.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Holm => "holm",
            Self::BenjaminiHochberg => "bh",
        }
    }

    /// Adjusted p-values, in the order of the raw ones: reject where at most 1 − confidence.
    #[must_use]
    pub fn adjusted(self, p_values: &[f64]) -> Vec<f64> {
        let m = p_values.len();
        let mut order: Vec<usize> = (0..m).collect();
        order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
        let mut adjusted = p_values.to_vec();
        match self {
            Self::None => {}
            Self::Holm => {
                let mut floor: f64 = 0.0;
                for (rank, index) in order.into_iter().enumerate() {
                    floor = floor.max(((m - rank) as f64 * p_values[index]).min(1.0));
                    adjusted[index] = floor;
                }
            }
            Self::BenjaminiHochberg => {
                let mut ceiling: f64 = 1.0;
                for (rank, index) in order.into_iter().enumerate().rev() {
                    ceiling = ceiling.min(p_values[index] * m as f64 / (rank + 1) as f64);
                    adjusted[index] = ceiling;
                }
            }
        }
        adjusted
    }
}

#[cfg(test)]
mod tests {
    use super::Correction;

    #[test]
    fn holm_is_never_milder_than_bh_and_neither_than_none() {
        let raw = [0.04, 0.001, 0.03, 0.2, 0.03];
        let (holm, bh) = (Correction::Holm.adjusted(&raw), Correction::BenjaminiHochberg.adjusted(&raw));
        for i in 0..raw.len() {
            assert!(holm[i] >= bh[i] && bh[i] >= raw[i], "{holm:?} {bh:?}");
        }
        assert_eq!(Correction::None.adjusted(&raw), raw);
        assert!(Correction::Holm.adjusted(&[]).is_empty());
    }
}
