use std::fmt::Write as _;

use super::{Metric, Rows, names, resampled};
use crate::predictions::{Format, Predictions, read};

fn table(weights: bool) -> Predictions {
    let mut stream = crate::stats::stream::Stream::new(3, 0);
    let mut text = format!("id,label,score,query,cost{}\n", if weights { ",weight" } else { "" });
    for row in 0..120 {
        let label = stream.below(2);
        let score = f64::from(stream.below(21)) / 20.0;
        let _ = write!(text, "r{row},{label},{score},q{},{}.5", row % 7, stream.below(9));
        let _ = if weights { writeln!(text, ",{}", row % 7 + 1) } else { writeln!(text) };
    }
    read(text.as_bytes(), Format::Csv).unwrap()
}

fn numbers() -> Predictions {
    let mut text = String::new();
    for row in 1..60 {
        let _ = writeln!(text, "{row},{}.5,{}", row % 13 + 1, (row * 7) % 17);
    }
    read(format!("id,label,prediction\n{text}").as_bytes(), Format::Csv).unwrap()
}

#[test]
fn resampling_starts_from_the_metric_itself() {
    let mut compared = 0;
    for predictions in [table(false), table(true), numbers()] {
        let rows = Rows { all: &predictions, some: Some(predictions.rows_by_id()) };
        for name in names().chain(["f1.5", "recall_at_fpr_20pct", "pinball_0.25", "ece_7", "ndcg_at_3"]) {
            let metric = Metric::from_name(name).unwrap();
            if matches!(metric, Metric::HarmfulFlips | Metric::HelpfulFlips) {
                continue;
            }
            let Ok(value) = metric.of_rows(rows, &Ok(Vec::new())) else { continue };
            if metric == Metric::Count {
                continue;
            }
            let statistic = metric.statistic(rows, &Ok(Vec::new())).unwrap();
            let again = statistic.of(&vec![1; rows.len()]).unwrap();
            assert!((value - again).abs() <= 1e-12 * value.abs().max(1.0), "{name}: {value} {again}");
            // Every row twice, as twice the weight, changes shares and means in nothing.
            let twice = statistic.of(&vec![2; rows.len()]).unwrap();
            assert!(
                metric.counts()
                    || matches!(metric, Metric::PrecisionAt(_))
                    || (value - twice).abs() <= 1e-12 * value.abs().max(1.0),
                "{name}"
            );
            if let Some(share) = metric.proportion(rows, &Ok(Vec::new())) {
                assert!((share.share() - value).abs() < 1e-12, "{name}");
            }
            compared += 1;
        }
    }
    assert!(compared > 80, "{compared}");
    let predictions = table(false);
    let rows = Rows { all: &predictions, some: None };
    let mean = resampled::column_mean(rows, "cost").unwrap().of(&[1; 120]).unwrap();
    assert!((mean - super::mean_of_column(rows, "cost").unwrap()).abs() < 1e-12);
}

#[test]
fn names_hold_numbers() {
    for (name, metric) in [
        ("f1.5", Some(Metric::Binary(super::BinaryMetric::FBeta(1.5)))),
        ("recall_at_fpr_0.1pct", Some(Metric::RecallAtFpr(0.001))),
        ("tpr_at_fpr_5pct", Some(Metric::RecallAtFpr(0.05))),
        ("ndcg_at_5", Some(Metric::Gain(5))),
        ("top_5_accuracy", Some(Metric::TopAccuracy(5))),
        ("ece_20", Some(Metric::CalibrationError(20))),
        ("pinball_0.05", Some(Metric::Pinball(0.05))),
        ("f0", None),
        ("f-1", None),
        ("finf", None),
        ("f1e3", None),
        ("ece_0", None),
        ("top_0_accuracy", None),
        ("recall_at_fpr_101pct", None),
        ("pinball_1", None),
        ("precision_at_", None),
    ] {
        assert_eq!(Metric::from_name(name), metric, "{name}");
    }
}

#[test]
fn classes_by_their_scores() {
    let text = "id,label,score_cat,score_dog,score_owl,region\n\
                1,cat,0.7,0.2,0.1,EU\n2,dog,0.5,0.3,0.2,EU\n3,owl,0.4,0.4,0.2,US\n4,owl,0.1,0.2,0.7,US\n";
    let predictions = read(text.as_bytes(), Format::Csv).unwrap();
    let of = |name: &str| Metric::from_name(name).unwrap().of(&predictions);
    assert_eq!(of("accuracy"), Ok(0.5));
    assert_eq!(of("top_1_accuracy"), Ok(0.5));
    assert_eq!(of("top_2_accuracy"), Ok(0.75));
    assert_eq!(of("top_3_accuracy"), Ok(1.0));
    assert_eq!(predictions.slice_columns().collect::<Vec<_>>(), ["region"]);
    // A column whose name only looks like it stays a slice.
    let text = "id,label,prediction,score_band\n1,cat,cat,high\n2,dog,cat,low\n";
    let predictions = read(text.as_bytes(), Format::Csv).unwrap();
    assert_eq!(predictions.slice_columns().collect::<Vec<_>>(), ["score_band"]);
    assert!(Metric::TopAccuracy(1).of(&predictions).is_err());
    assert!(read("id,label,score_band\n1,cat,3\n".as_bytes(), Format::Csv).is_err());
}
