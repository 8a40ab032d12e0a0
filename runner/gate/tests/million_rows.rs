//! Time for a million rows. `cargo test -p runner-gate --release --test million_rows -- --ignored --nocapture`

use std::{fmt::Write as _, time::Instant};

use runner_gate::{
    metrics,
    predictions::{Format, read},
};

/// A million rows with scores of six digits, and a slice column of eight values.
fn csv() -> String {
    let mut text = String::from("id,label,score,region\n");
    let mut state = 7_u64;
    for row in 0..1_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (uniform, label) = ((state >> 40) as f64 / f64::from(1 << 24), state >> 20 & 1);
        let score = 0.7 * uniform + 0.3 * label as f64;
        let _ = writeln!(text, "{row},{label},{score:.6},r{}", state >> 30 & 7);
    }
    text
}

#[test]
#[ignore = "measures time"]
fn all_metrics_of_a_million_rows() {
    let text = csv();
    let start = Instant::now();
    let predictions = read(text.as_bytes(), Format::Csv).unwrap();
    println!("reading {} MB of CSV: {:.3} s", text.len() / 1_000_000, start.elapsed().as_secs_f64());
    let start = Instant::now();
    let summary = metrics::summary(&predictions);
    let seconds = start.elapsed().as_secs_f64();
    println!("{} metrics of {} rows: {seconds:.3} s", summary.len(), predictions.rows());
    println!("{summary:?}");
    assert!(seconds <= 0.5, "{seconds} s");
}
