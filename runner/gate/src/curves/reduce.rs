//! A line of a million points, drawn with a few hundred that look the same.

/// The same line with fewer points, for a plot of the unit square.
///
/// First, of the points in each of `columns` columns only the first, the lowest, the highest and the last stay, in their order:
/// a plot that is `columns` pixels wide looks the same (M4 aggregation: Jugel, Jerzak, Hackenbroich, Markl, "M4: A
/// Visualization-Oriented Time Series Data Aggregation", PVLDB 7(10), 2014). Then points that lie within `tolerance` of the line
/// without them go too (Douglas and Peucker, 1973). Both ends stay. Points are (x, y), with x never falling.
#[must_use]
pub fn reduce(points: &[(f64, f64)], columns: usize, tolerance: f64) -> Vec<(f64, f64)> {
    straighten(&aggregate(points, columns.max(1)), tolerance)
}

fn aggregate(points: &[(f64, f64)], columns: usize) -> Vec<(f64, f64)> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a double saturates, and columns only group"
    )]
    let column = |x: f64| (x * columns as f64) as usize;
    let mut kept = Vec::new();
    for group in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let by_height = |a: &usize, b: &usize| group[*a].1.total_cmp(&group[*b].1);
        let lowest = (0..group.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..group.len()).max_by(by_height).unwrap_or(0);
        let mut chosen = [0, lowest, highest, group.len() - 1];
        chosen.sort_unstable();
        let mut last = None;
        for index in chosen {
            if last != Some(index) {
                kept.push(group[index]);
                last = Some(index);
            }
        }
    }
    kept
}

fn straighten(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    let mut stays = vec![false; points.len()];
    for end in [0, points.len().saturating_sub(1)] {
        if let Some(end) = stays.get_mut(end) {
            *end = true;
        }
    }
    let mut open = vec![(0, points.len().saturating_sub(1))];
    while let Some((first, last)) = open.pop() {
        let farthest = (first + 1..last)
            .map(|index| (index, distance(points[index], points[first], points[last])))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((index, distance)) = farthest
            && distance > tolerance
        {
            stays[index] = true;
            open.push((first, index));
            open.push((index, last));
        }
    }
    points.iter().zip(stays).filter(|(_, stays)| *stays).map(|(point, _)| *point).collect()
}

/// Distance of a point from a piece of a line.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 {
        (((point.0 - from.0) * dx + (point.1 - from.1) * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (point.0 - from.0 - along * dx).hypot(point.1 - from.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_and_one_point_stay() {
        assert_eq!(reduce(&[], 10, 0.1), []);
        assert_eq!(reduce(&[(0.5, 0.5)], 10, 0.1), [(0.5, 0.5)]);
    }

    #[test]
    fn what_lies_on_the_line_goes() {
        let line: Vec<(f64, f64)> =
            (0..=1000).map(|i| (f64::from(i) / 1000.0, f64::from(i) / 1000.0)).collect();
        assert_eq!(reduce(&line, 500, 1e-9), [(0.0, 0.0), (1.0, 1.0)]);
        // A step up in the middle stays a step.
        let step: Vec<(f64, f64)> =
            (0..=1000).map(|i| (f64::from(i) / 1000.0, f64::from(u8::from(i >= 500)))).collect();
        assert_eq!(reduce(&step, 500, 1e-3).len(), 4);
    }

    proptest! {
        #[test]
        fn every_point_lies_near_the_reduced_line(heights in prop::collection::vec(0.0..1.0f64, 2..400)) {
            let last = (heights.len() - 1) as f64;
            let points: Vec<(f64, f64)> = heights.iter().enumerate().map(|(i, y)| (i as f64 / last, *y)).collect();
            let (columns, tolerance) = (50, 0.01);
            let reduced = reduce(&points, columns, tolerance);
            prop_assert!(reduced.len() <= 4 * (columns + 1));
            prop_assert_eq!((reduced[0], reduced[reduced.len() - 1]), (points[0], points[points.len() - 1]));
            for point in points {
                let nearest = reduced.windows(2).map(|ends| distance(point, ends[0], ends[1])).fold(f64::INFINITY, f64::min);
                prop_assert!(nearest <= tolerance + 1.0 / columns as f64, "{point:?} is {nearest} away");
            }
        }
    }
}
