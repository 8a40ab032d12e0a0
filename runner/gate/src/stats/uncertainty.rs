//! What all methods yield: a value, bounds at a confidence, and p-values against other values.

use super::{
    bootstrap::Bootstrap,
    distribution::{normal_cdf, normal_quantile},
    mcnemar::Discordant,
    seeds::MeanOfSeeds,
    wilson::Proportion,
};

/// How sure a number is.
#[derive(Debug, Clone)]
pub(crate) enum Uncertainty {
    /// Nothing varies, such as the difference of a model and itself.
    Known(f64),
    /// A share of independent rows.
    Proportion(Proportion),
    /// A number between two limits that every resample gave alike, such as a perfect share: as a mean over that many
    /// trials, all of which gave `value`, while a share of others that was not seen may lie at a limit.
    Constant { value: f64, limits: (f64, f64), trials: f64 },
    /// Normal.
    Normal { value: f64, standard_error: f64 },
    /// Normal as log odds; between 0 and 1, both excluded.
    Logit { value: f64, standard_error: f64 },
    /// A few repetitions.
    Seeds(MeanOfSeeds),
    /// Difference in accuracy.
    Discordant(Discordant),
    /// By resampling.
    Resampled(Bootstrap),
}

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

/// How likely so many trials show none of the others, if these move the mean by `distance` and one alone by `reach`.
fn none_seen(distance: f64, reach: f64, trials: f64) -> f64 {
    if distance <= 0.0 {
        1.0
    } else if distance >= reach {
        0.0
    } else {
        (1.0 - distance / reach).powf(trials)
    }
}

impl Uncertainty {
    /// Both one-sided bounds, each at this confidence.
    pub(crate) fn bounds(&self, confidence: f64) -> (f64, f64) {
        let z = normal_quantile(confidence);
        match self {
            Self::Known(value) => (*value, *value),
            Self::Proportion(proportion) => proportion.bounds(confidence),
            Self::Constant { value, limits: (low, high), trials } => {
                // The largest share of others of which so many trials show none with probability α.
                let unseen = 1.0 - (1.0 - confidence).powf(1.0 / trials);
                (value - (value - low) * unseen, value + (high - value) * unseen)
            }
            Self::Normal { value, standard_error } => {
                (value - z * standard_error, value + z * standard_error)
            }
            Self::Logit { value, standard_error } => {
                let half = z * standard_error / (value * (1.0 - value));
                let back = |odds: f64| 1.0 / (1.0 + (-odds).exp());
                (back(logit(*value) - half), back(logit(*value) + half))
            }
            Self::Seeds(seeds) => seeds.bounds(confidence),
            Self::Discordant(discordant) => discordant.bounds(confidence),
            Self::Resampled(bootstrap) => bootstrap.bounds(confidence),
        }
    }

    /// p-value of the hypothesis that the true value is at most `value`.
    pub(crate) fn p_at_most(&self, value: f64) -> f64 {
        let p = match self {
            Self::Known(known) => f64::from(u8::from(*known <= value)),
            Self::Proportion(proportion) => proportion.p_at_most(value),
            Self::Constant { value: own, limits: (low, _), trials } => {
                none_seen(own - value, own - low, *trials)
            }
            Self::Seeds(seeds) => seeds.p_at_most(value),
            Self::Discordant(discordant) => discordant.p_not_better(),
            Self::Resampled(bootstrap) => bootstrap.p_at_most(value),
            Self::Normal { .. } | Self::Logit { .. } => normal_cdf(-self.score(value)),
        };
        p.clamp(0.0, 1.0)
    }

    /// p-value of the hypothesis that the true value is at least `value`.
    pub(crate) fn p_at_least(&self, value: f64) -> f64 {
        let p = match self {
            Self::Known(known) => f64::from(u8::from(*known >= value)),
            Self::Proportion(proportion) => proportion.p_at_least(value),
            Self::Constant { value: own, limits: (_, high), trials } => {
                none_seen(value - own, high - own, *trials)
            }
            Self::Seeds(seeds) => seeds.p_at_least(value),
            Self::Discordant(discordant) => discordant.p_not_worse(),
            Self::Resampled(bootstrap) => bootstrap.p_at_least(value),
            Self::Normal { .. } | Self::Logit { .. } => normal_cdf(self.score(value)),
        };
        p.clamp(0.0, 1.0)
    }

    /// Distance from `value` in standard errors.
    fn score(&self, value: f64) -> f64 {
        match self {
            Self::Logit { value: own, standard_error } => {
                if value <= 0.0 {
                    return f64::INFINITY;
                }
                if value >= 1.0 {
                    return f64::NEG_INFINITY;
                }
                (logit(*own) - logit(value)) * own * (1.0 - own) / standard_error
            }
            Self::Normal { value: own, standard_error } => (own - value) / standard_error,
            _ => 0.0,
        }
    }

    /// Standard error, for what an amount of data can see.
    pub(crate) fn standard_error(&self) -> f64 {
        match self {
            Self::Known(_) => 0.0,
            Self::Proportion(proportion) => proportion.standard_error(),
            Self::Constant { limits: (low, high), trials, .. } => {
                (high - low) * Proportion { successes: *trials, trials: *trials }.standard_error()
            }
            Self::Normal { standard_error, .. } | Self::Logit { standard_error, .. } => *standard_error,
            Self::Seeds(seeds) => seeds.standard_error,
            Self::Discordant(discordant) => discordant.standard_error(),
            Self::Resampled(bootstrap) => bootstrap.standard_error(),
        }
    }
}
