//! The formula of each standard metric in one line, for people who ask what a gate measured.

use super::Metric;

/// The formula of a metric by its name; `None` for a name that steps have to report. `w` are weights, `y` labels, `p` scores,
/// `ŷ` predictions.
#[must_use]
pub fn formula(name: &str) -> Option<&'static str> {
    Metric::from_name(name)?;
    Some(match name {
        "accuracy" => "Σw[ŷ = y] / Σw",
        "balanced_accuracy" => "mean of the recall of each class",
        "precision" => "tp / (tp + fp)",
        "recall" | "tpr" | "sensitivity" => "tp / (tp + fn)",
        "specificity" | "tnr" => "tn / (tn + fp)",
        "fpr" => "fp / (fp + tn)",
        "fnr" => "fn / (fn + tp)",
        "f1" => "2 tp / (2 tp + fn + fp)",
        "f0.5" => "1.25 tp / (1.25 tp + 0.25 fn + fp)",
        "f2" => "5 tp / (5 tp + 4 fn + fp)",
        "mcc" => "(tp·tn − fp·fn) / √((tp + fp)(tp + fn)(tn + fp)(tn + fn))",
        "roc_auc" | "auc" => "P(score of a positive > score of a negative) + ½ P(equal)",
        "pr_auc" | "average_precision" => "Σ (Rᵢ − Rᵢ₋₁) Pᵢ over all thresholds",
        "log_loss" => "−Σw(y ln p + (1 − y) ln(1 − p)) / Σw",
        "brier" => "Σw(p − y)² / Σw",
        "mae" => "Σw|y − ŷ| / Σw",
        "mse" => "Σw(y − ŷ)² / Σw",
        "rmse" => "√(Σw(y − ŷ)² / Σw)",
        "r2" => "1 − Σw(y − ŷ)² / Σw(y − ȳ)²",
        "tp" => "Σw of positives called positive",
        "fp" => "Σw of negatives called positive",
        "tn" => "Σw of negatives called negative",
        "fn" => "Σw of positives called negative",
        "n" => "number of rows",
        "prevalence" => "Σw[y = 1] / Σw",
        "predicted_positive_rate" => "Σw[ŷ = 1] / Σw",
        "precision_macro" | "recall_macro" | "f1_macro" => "plain mean of the metric of each class",
        "precision_micro" | "recall_micro" | "f1_micro" => "from the counts of all classes together",
        "precision_weighted" | "recall_weighted" | "f1_weighted" => {
            "mean of the metric of each class, by the weight of its labels"
        }
        "harmful_flips" => "Σw[baseline right, candidate wrong] / Σw",
        "helpful_flips" => "Σw[baseline wrong, candidate right] / Σw",
        "mape" => "Σw|(y − ŷ) / y| / Σw",
        "mrr" => "mean over queries of 1 / rank of the first row with y > 0",
        name if name.starts_with("pinball") => "Σw max(Q(y − ŷ), (Q − 1)(y − ŷ)) / Σw",
        name if name.starts_with("ece") => "Σ over bins of equal width |Σw y − Σw p| / Σw",
        name if name.contains("_at_fpr_") => "highest recall among thresholds with fpr up to the rate",
        name if name.starts_with("precision_at_") => {
            "share of positives among the K rows of the highest scores"
        }
        name if name.starts_with("ndcg") => "mean over queries of DCG / ideal DCG",
        name if name.starts_with("top_") => "Σw[y among the K classes of the highest scores] / Σw",
        name if name.starts_with("mean_") => "Σw x / Σw over the column",
        name if name.starts_with('f') => "(1 + β²) tp / ((1 + β²) tp + β² fn + fp)",
        _ => return None,
    })
}
