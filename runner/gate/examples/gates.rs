//! Times what gates compute, without reading files: `gates metrics FILE` or `gates auc CANDIDATE BASELINE`. Prints
//! seconds, then what was computed.

#![expect(clippy::print_stdout, reason = "a command")]

use std::{env, error::Error, fs, sync::Arc, time::Instant};

use runner_gate::{
    Defaults, Evidence, Measurements, Reference, judge, mapping,
    metrics::{Metric, summary},
    predictions::{Format, read},
};

/// Beside the common metrics.
const FURTHER: [&str; 3] = ["ece", "recall_at_fpr_1pct", "precision_at_10"];

fn measured(path: &str) -> Result<Measurements, Box<dyn Error>> {
    let format = Format::of_file_name(path).ok_or("neither .csv, .jsonl nor .parquet")?;
    Ok(Measurements {
        predictions: Some(Arc::new(read(&fs::read(path)?, format)?)),
        ..Measurements::default()
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["metrics", path] => {
            let measured = measured(path)?;
            let predictions = measured.predictions.ok_or("there are predictions")?;
            let start = Instant::now();
            let mut values: Vec<(&str, f64)> = summary(&predictions);
            for name in FURTHER {
                let metric = Metric::from_name(name).ok_or("the metric is known")?;
                values.push((name, metric.of(&predictions)?));
            }
            println!("{}", start.elapsed().as_secs_f64());
            println!("{values:?}");
        }
        ["auc", candidate, baseline] => {
            let mut evidence = Evidence { candidate: measured(candidate)?, ..Evidence::default() };
            evidence.references.baseline = Reference::Measured(measured(baseline)?);
            let gate = mapping::from_json(&serde_json::json!({
                "metric": "roc_auc", "no-worse-than": { "ref": "baseline", "margin": 0 },
                "confidence": 0.95, "method": "paired-bootstrap", "resamples": 2000,
            }))
            .map_err(|problems| format!("{problems:?}"))?;
            let start = Instant::now();
            let judgement = judge(&gate, &evidence, &Defaults::default());
            println!("{}", start.elapsed().as_secs_f64());
            println!("{}", judgement.message);
        }
        _ => return Err("gates metrics FILE | gates auc CANDIDATE BASELINE".into()),
    }
    Ok(())
}
