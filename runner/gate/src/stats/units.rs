//! What is drawn with replacement: rows, or clusters of rows, within strata or not.

use super::stream::Stream;

/// How often each row counts in a resample. 255 is never reached: with n draws from n ≥ 256 units the chance of any unit
/// being drawn 256 times is below 10⁻⁵⁰⁰.
pub(crate) type Counts = Vec<u8>;

/// The units of some rows. Rows are positions 0..n in an order that does not depend on the file.
#[derive(Debug, Clone)]
pub(crate) struct Units {
    rows: usize,
    /// Unit of each row; `None` where every row is its own.
    of_row: Option<Vec<u32>>,
    /// Sizes of the strata; units of a stratum are neighbours.
    strata: Vec<u32>,
    /// How many units there are.
    count: usize,
}

impl Units {
    /// Every row by itself.
    pub(crate) fn rows(rows: usize) -> Self {
        Self { rows, of_row: None, strata: vec![size(rows)], count: rows }
    }

    /// Clusters and strata by a code per row; the error says what is wrong with them.
    pub(crate) fn new(rows: usize, cluster: Option<&[u32]>, stratum: Option<&[u32]>) -> Result<Self, String> {
        if cluster.is_none() && stratum.is_none() {
            return Ok(Self::rows(rows));
        }
        // Unit by unit in the order of first appearance.
        let mut unit_of_row: Vec<u32> = Vec::with_capacity(rows);
        let mut strata_of_units: Vec<u32> = Vec::new();
        let mut known: std::collections::HashMap<u32, u32> = std::collections::HashMap::new();
        for row in 0..rows {
            let stratum = stratum.map_or(0, |stratum| stratum[row]);
            let unit = match cluster {
                None => size(row),
                Some(cluster) => *known.entry(cluster[row]).or_insert(size(strata_of_units.len())),
            };
            match strata_of_units.get(unit as usize) {
                None => strata_of_units.push(stratum),
                Some(before) if *before == stratum => {}
                Some(_) => return Err("a cluster lies in more than one stratum".to_owned()),
            }
            unit_of_row.push(unit);
        }
        // Renumbered so that the units of a stratum are neighbours; strata in the order of first appearance.
        let mut order: Vec<u32> = (0..size(strata_of_units.len())).collect();
        let mut first_seen: std::collections::HashMap<u32, u32> = std::collections::HashMap::new();
        for (unit, stratum) in strata_of_units.iter().enumerate() {
            first_seen.entry(*stratum).or_insert(size(unit));
        }
        order.sort_by_key(|unit| first_seen[&strata_of_units[*unit as usize]]);
        let strata: Vec<u32> = order
            .chunk_by(|a, b| strata_of_units[*a as usize] == strata_of_units[*b as usize])
            .map(|units| size(units.len()))
            .collect();
        let mut place = vec![0_u32; order.len()];
        for (at, unit) in order.iter().enumerate() {
            place[*unit as usize] = size(at);
        }
        let of_row = unit_of_row.into_iter().map(|unit| place[unit as usize]).collect();
        Ok(Self { rows, of_row: Some(of_row), strata, count: order.len() })
    }

    /// How many units there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Unit of a row, below [`Self::len`].
    pub(crate) fn of(&self, row: usize) -> usize {
        self.of_row.as_ref().map_or(row, |units| units[row] as usize)
    }

    /// Whether some stratum has one unit only, which every resample holds once.
    pub(crate) fn has_lone_unit(&self) -> bool {
        self.strata.contains(&1)
    }

    /// Draws each stratum anew to its own size. `counts` has one entry per row.
    pub(crate) fn draw(&self, stream: &mut Stream, counts: &mut Counts, scratch: &mut Counts) {
        let target = if self.of_row.is_some() { &mut *scratch } else { &mut *counts };
        target.clear();
        target.resize(self.count, 0);
        let mut start = 0;
        for length in &self.strata {
            let stratum = &mut target[start..start + *length as usize];
            for _ in 0..*length {
                let drawn = &mut stratum[stream.below(*length) as usize];
                *drawn = drawn.saturating_add(1);
            }
            start += *length as usize;
        }
        self.spread(counts, scratch);
    }

    /// Every row once, but for the units of one of `groups` groups, for the jackknife.
    pub(crate) fn without(&self, group: usize, groups: usize, counts: &mut Counts) {
        counts.clear();
        match &self.of_row {
            None => counts.extend((0..self.rows).map(|row| u8::from(row % groups != group))),
            Some(units) => counts.extend(units.iter().map(|unit| u8::from(*unit as usize % groups != group))),
        }
    }

    fn spread(&self, counts: &mut Counts, of_units: &Counts) {
        if let Some(units) = &self.of_row {
            counts.clear();
            counts.extend(units.iter().map(|unit| of_units[*unit as usize]));
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "there are at most u32::MAX rows")]
fn size(count: usize) -> u32 {
    count as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(units: &Units, number: u64) -> Vec<u8> {
        let (mut counts, mut scratch) = (Counts::new(), Counts::new());
        units.draw(&mut Stream::new(1, number), &mut counts, &mut scratch);
        counts
    }

    #[test]
    fn clusters_stay_together_and_strata_keep_their_sizes() {
        let cluster = [0, 0, 1, 1, 2, 2, 3, 3];
        let stratum = [5, 5, 9, 9, 5, 5, 9, 9];
        let units = Units::new(8, Some(&cluster), Some(&stratum)).unwrap();
        assert_eq!((units.len(), units.strata.clone()), (4, vec![2, 2]));
        for number in 0..50 {
            let counts = drawn(&units, number);
            assert!(counts.chunks(2).all(|pair| pair[0] == pair[1]), "{counts:?}");
            let of = |wanted: u32| -> u32 {
                counts.iter().zip(stratum).filter(|(_, s)| *s == wanted).map(|(c, _)| u32::from(*c)).sum()
            };
            assert_eq!((of(5), of(9)), (4, 4));
        }
        assert!(Units::new(2, Some(&[1, 1]), Some(&[0, 1])).is_err());
    }

    #[test]
    fn a_resample_has_as_many_rows() {
        let units = Units::rows(1000);
        assert_eq!(drawn(&units, 0).iter().map(|count| u32::from(*count)).sum::<u32>(), 1000);
        assert_ne!(drawn(&units, 0), drawn(&units, 1));
    }

    #[test]
    fn the_jackknife_leaves_each_unit_out_once() {
        let units = Units::new(5, Some(&[7, 7, 8, 9, 8]), None).unwrap();
        let mut left_out = [0; 5];
        let mut counts = Counts::new();
        for group in 0..3 {
            units.without(group, 3, &mut counts);
            counts.iter().zip(&mut left_out).for_each(|(count, out)| *out += 1 - count);
        }
        assert_eq!(left_out, [1; 5]);
    }
}
