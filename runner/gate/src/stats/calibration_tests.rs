//! Whether the promises hold on data whose truth is known: coverage of bounds, false alarms, families of slices.

use super::{
    bootstrap::{Bootstrap, fewest_units, replicates},
    correction::Correction,
    delong::Components,
    distribution::{normal_cdf, normal_quantile},
    statistic::{Statistic, Sums},
    stream::Stream,
    uncertainty::Uncertainty,
    units::Units,
    wilson::Proportion,
};

/// One simulated sample: how sure the metric is, and which value is true.
type Draw = fn(&mut Stream, usize, u64) -> (Uncertainty, f64);

fn normal(stream: &mut Stream) -> f64 {
    normal_quantile(stream.unit().max(1e-12))
}

fn accuracy(stream: &mut Stream, n: usize, _: u64) -> (Uncertainty, f64) {
    let truth = 0.87;
    let successes = (0..n).filter(|_| stream.unit() < truth).count() as f64;
    (Uncertainty::Proportion(Proportion { successes, trials: n as f64 }), truth)
}

fn area(stream: &mut Stream, n: usize, _: u64) -> (Uncertainty, f64) {
    let positive: Vec<bool> = (0..n).map(|_| stream.unit() < 0.3).collect();
    let scores: Vec<f64> =
        positive.iter().map(|positive| normal(stream) + if *positive { 1.5 } else { 0.0 }).collect();
    let components = Components::of(&positive, &scores).unwrap();
    let standard_error = components.variance().unwrap().sqrt();
    (Uncertainty::Logit { value: components.auc, standard_error }, normal_cdf(1.5 / 2f64.sqrt()))
}

fn resampled(statistic: &dyn Statistic, n: usize, resamples: u64, seed: u64) -> Uncertainty {
    let drawn = replicates(&Units::rows(n), &[statistic], (resamples, seed), 1);
    let value = statistic.of(&vec![1; n]).unwrap();
    Uncertainty::Resampled(Bootstrap::new(value, &drawn.resampled[0], &drawn.left_out[0]).unwrap())
}

fn f1(stream: &mut Stream, n: usize, resamples: u64) -> (Uncertainty, f64) {
    let (prevalence, tpr, fpr) = (0.3, 0.8, 0.1);
    let rows: Vec<[f64; 3]> = (0..n)
        .map(|_| {
            let positive = stream.unit() < prevalence;
            let predicted = stream.unit() < if positive { tpr } else { fpr };
            [
                (positive, predicted) == (true, true),
                (positive, predicted) == (false, true),
                (positive, predicted) == (true, false),
            ]
            .map(|cell| f64::from(u8::from(cell)))
        })
        .collect();
    let formula = |[tp, fp, fn_]: [f64; 3]| (tp + fp + fn_ > 0.0).then(|| 2.0 * tp / (2.0 * tp + fp + fn_));
    let truth = 2.0 * prevalence * tpr
        / (2.0 * prevalence * tpr + (1.0 - prevalence) * fpr + prevalence * (1.0 - tpr));
    (resampled(&Sums { rows, formula }, n, resamples, stream.next_u64()), truth)
}

fn rmse(stream: &mut Stream, n: usize, resamples: u64) -> (Uncertainty, f64) {
    let rows: Vec<[f64; 2]> = (0..n).map(|_| [normal(stream).powi(2), 1.0]).collect();
    let formula = |[sum, weight]: [f64; 2]| Some((sum / weight).sqrt());
    (resampled(&Sums { rows, formula }, n, resamples, stream.next_u64()), 1.0)
}

/// Shares of samples whose lower and whose upper 95 % bound is on the right side of the truth.
fn coverage(draw: Draw, n: usize, samples: u64, resamples: u64) -> (f64, f64) {
    let half = |from: u64, to: u64| {
        let (mut below, mut above) = (0_u32, 0_u32);
        for sample in from..to {
            let (uncertainty, truth) = draw(&mut Stream::new(20_260_101, sample), n, resamples);
            let (lower, upper) = uncertainty.bounds(0.95);
            below += u32::from(lower <= truth);
            above += u32::from(upper >= truth);
        }
        (below, above)
    };
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| half(0, samples / 2));
        (half(samples / 2, samples), one.join().unwrap())
    });
    let share = |count: u32| f64::from(count) / samples as f64;
    (share(one.0 + two.0), share(one.1 + two.1))
}

const METRICS: [(&str, Draw); 4] = [("accuracy", accuracy), ("roc_auc", area), ("f1", f1), ("rmse", rmse)];

fn bounds_cover(sizes: &[usize], samples: u64, resamples: u64) {
    let mut wrong = Vec::new();
    for (name, draw) in METRICS {
        for n in sizes {
            let (lower, upper) = coverage(draw, *n, samples, resamples);
            let line = format!("{name}, n = {n}: lower {:.1} %, upper {:.1} %", lower * 100.0, upper * 100.0);
            eprintln!("{line}");
            if [lower, upper].iter().any(|share| !(0.93..=0.97).contains(share)) {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nominal_95_percent_bounds_cover_93_to_97_percent() {
    bounds_cover(&[200, 1000], 2000, 400);
}

#[test]
#[ignore = "takes minutes: cargo xtask test --all"]
fn nominal_95_percent_bounds_cover_93_to_97_percent_of_large_samples() {
    bounds_cover(&[200, 1000, 10_000], 2000, 400);
}

/// What ten units leave of 95 %, which is why fewer are not resampled.
#[test]
fn bounds_of_the_fewest_units_cover_most_of_what_they_promise() {
    let shares = [5, 7, fewest_units(0.95), 20].map(|n| (n, coverage(rmse, n, 2000, 400)));
    for (n, (lower, upper)) in shares {
        eprintln!("rmse, n = {n}: lower {:.1} %, upper {:.1} %", lower * 100.0, upper * 100.0);
    }
    let (_, (lower, upper)) = shares[2];
    assert!(lower >= 0.9 && upper >= 0.82, "{lower} {upper}");
}

/// A share that every trial gives alike: no true value lies beyond its bounds in more than 5 % of samples.
#[test]
fn a_share_without_spread_is_bounded_by_its_trials() {
    for (trials, truth) in [(4.0, 0.473), (20.0, 0.861), (300.0, 0.9901)] {
        let constant = Uncertainty::Constant { value: 1.0, limits: (0.0, 1.0), trials };
        let all_agree = f64::powf(truth, trials);
        assert!((constant.bounds(1.0 - all_agree).0 - truth).abs() < 1e-12);
        assert!((constant.p_at_most(truth) - all_agree).abs() < 1e-12);
        assert_eq!((constant.bounds(0.95).1, constant.p_at_least(1.0)), (1.0, 1.0));
        assert_eq!((constant.p_at_most(1.0), constant.p_at_most(-0.1)), (1.0, 0.0));
    }
    // Where all rows went from wrong to right, as few suffice as for McNemar's exact test.
    let better =
        |trials| Uncertainty::Constant { value: 1.0, limits: (-1.0, 1.0), trials }.bounds(0.95).0 > 0.0;
    assert!(!better(4.0) && better(5.0));
}

/// Family-wise error: how often any of 100 slices exactly at the bound is called, under Holm.
fn family_wise_error(families: u64, p_value: impl Fn(&mut Stream) -> f64) -> f64 {
    let any = (0..families).filter(|family| {
        let mut stream = Stream::new(77, *family);
        let raw: Vec<f64> = (0..100).map(|_| p_value(&mut stream)).collect();
        Correction::Holm.adjusted(&raw).iter().any(|p| *p <= 0.05)
    });
    any.count() as f64 / families as f64
}

#[test]
fn a_family_of_100_null_slices_is_rarely_called() {
    let share = |stream: &mut Stream| {
        let successes = (0..200).filter(|_| stream.unit() < 0.9).count() as f64;
        Proportion { successes, trials: 200.0 }
    };
    let failed = family_wise_error(1000, |stream| share(stream).exact_p_at_least(0.9));
    let passed = family_wise_error(1000, |stream| share(stream).exact_p_at_most(0.9));
    eprintln!(
        "100 null slices of accuracy under Holm: any FAIL {:.1} %, any PASS {:.1} %",
        failed * 100.0,
        passed * 100.0
    );
    assert!(failed <= 0.05 && passed <= 0.05, "{failed} {passed}");
}

/// Two equally good classifiers that disagree on a tenth of the rows.
fn equal_models(stream: &mut Stream, n: usize) -> Uncertainty {
    let rows: Vec<[f64; 2]> = (0..n)
        .map(|_| match stream.below(20) {
            0 => [1.0, 1.0],
            1 => [-1.0, 1.0],
            _ => [0.0, 1.0],
        })
        .collect();
    resampled(&Sums { rows, formula: |[sum, n]: [f64; 2]| Some(sum / n) }, n, 400, stream.next_u64())
}

#[test]
fn equal_models_that_differ_fail_no_more_often_than_the_confidence_says() {
    let failed = |confidence: f64| {
        let samples = 1500;
        let failed = (0..samples)
            .filter(|sample| equal_models(&mut Stream::new(5, *sample), 1000).bounds(confidence).1 < 0.0);
        failed.count() as f64 / samples as f64
    };
    let (usual, strict) = (failed(0.95), failed(0.99));
    eprintln!(
        "equal models, zero margin: FAIL {:.1} % at 0.95, {:.1} % at 0.99",
        usual * 100.0,
        strict * 100.0
    );
    assert!(usual <= 0.065 && strict <= 0.02, "{usual} {strict}");
}
