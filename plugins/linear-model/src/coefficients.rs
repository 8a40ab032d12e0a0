//! The report of what was learnt, as JSON for people and programs.

use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use crate::scaling::Scaling;

/// A fitted linear model, by feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coefficients {
    /// Intercept for standardised features; for features as they are where nothing was standardised.
    pub intercept_standardised: f64,
    /// Intercept for features as they are.
    pub intercept: f64,
    /// One entry per feature, in the order the model takes them.
    pub features: Vec<Coefficient>,
}

/// One feature's part in the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// The column's name.
    pub feature: String,
    /// Change of the model's linear score per standard deviation of the feature.
    pub standardised: f64,
    /// Change of the model's linear score per unit of the feature.
    pub raw: f64,
    /// Mean subtracted by the standardisation.
    pub mean: f64,
    /// Standard deviation divided by in the standardisation.
    pub scale: f64,
}

impl Coefficients {
    /// Describes the model `intercept + weights · (x − means) / scales`.
    pub fn new(features: &[String], scaling: &Scaling, weights: &DVector<f64>, intercept: f64) -> Self {
        let (raw, raw_intercept) = scaling.raw(weights, intercept);
        Self {
            intercept_standardised: intercept,
            intercept: raw_intercept,
            features: features
                .iter()
                .enumerate()
                .map(|(index, feature)| Coefficient {
                    feature: feature.clone(),
                    standardised: weights[index],
                    raw: raw[index],
                    mean: scaling.means[index],
                    scale: scaling.scales[index],
                })
                .collect(),
        }
    }

    /// The report as indented JSON with a final line break. Numbers are written so that they read back unchanged.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}
