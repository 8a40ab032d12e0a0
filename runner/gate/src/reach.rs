//! Bounds that a metric can never reach: `fpr <= 5` holds whatever the model does, where 5 % was meant.

use std::collections::BTreeMap;

use crate::{
    exact::Exact,
    grammar::{Aggregate, Bound, Quantity, Reference, Term},
    metrics,
    unit::{Unit, convert},
};

/// Code of problems with such bounds.
pub(crate) const CODE: &str = "gate::out-of-reach";

/// What is wrong with a bound, and what to write instead.
pub(crate) struct BeyondReach {
    pub(crate) message: String,
    pub(crate) help: String,
}

/// A bound on a number between 0 and 1 that lies elsewhere, or a margin that is wider than all of it. Such numbers are
/// the standard fractions, whatever unit is declared for them, and what is declared as a fraction; of slices of them every
/// aggregate but the count.
pub(crate) fn of_bound(term: &Term, bound: &Bound, units: &BTreeMap<String, String>) -> Option<BeyondReach> {
    match bound {
        Bound::Constant(quantity) => {
            let value = in_fraction(term, quantity, units)?;
            if value >= Exact::integer(0) && value <= Exact::integer(1) {
                return None;
            }
            let message =
                format!("`{term}` lies between 0 and 1, and so always on the same side of {quantity}");
            Some(BeyondReach { message, help: help(term, quantity, units, Unit::Percent) })
        }
        Bound::Relative { reference, margin: Some((_, margin)) } => of_margin(term, reference, margin, units),
        Bound::Relative { margin: None, .. } => None,
    }
}

/// A margin on the same fraction of another model that is wider than fractions differ.
pub(crate) fn of_margin(
    term: &Term,
    reference: &Reference,
    margin: &Quantity,
    units: &BTreeMap<String, String>,
) -> Option<BeyondReach> {
    if margin.unit == Some(Unit::Percent) || matches!(reference, Reference::Metric(_)) {
        return None;
    }
    let width = in_fraction(term, margin, units)?;
    (width > Exact::integer(1)).then(|| BeyondReach {
        message: format!("`{term}` lies between 0 and 1, and so never {margin} from its {reference}"),
        help: help(term, margin, units, Unit::PercentagePoint),
    })
}

/// A quantity in the unit of a term that lies between 0 and 1.
fn in_fraction(term: &Term, quantity: &Quantity, units: &BTreeMap<String, String>) -> Option<Exact> {
    let declared = units.get(&term.metric).map(String::as_str);
    let standard = metrics::is_fraction(&term.metric);
    if term.aggregate == Some(Aggregate::Count) || !(standard || declared == Some("fraction")) {
        return None;
    }
    convert(&quantity.value, quantity.unit, &term.metric, declared.or(Some("fraction"))).ok()
}

fn help(term: &Term, quantity: &Quantity, units: &BTreeMap<String, String>, unit: Unit) -> String {
    let metric = &term.metric;
    match (units.get(metric).filter(|declared| *declared != "fraction"), quantity.unit) {
        (Some(declared), _) => format!(
            "`{metric}` is measured as a fraction: declare `unit: fraction` in place of `{declared}`, or nothing"
        ),
        (None, None) if quantity.value > Exact::integer(1) && quantity.value <= Exact::integer(100) => {
            format!("did you mean `{}{unit}`?", quantity.text)
        }
        _ => format!("write a fraction between 0 and 1, or between 0{unit} and 100{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        grammar::{SyntaxError, parse_within_reach},
        mapping::from_json_within_reach,
    };

    fn units() -> BTreeMap<String, String> {
        [("coverage", "fraction"), ("latency", "ms"), ("precision", "%")]
            .map(|(metric, unit)| (metric.to_owned(), unit.to_owned()))
            .into()
    }

    #[test]
    fn bounds_that_decide_nothing_are_refused() {
        for (gate, place, help) in [
            ("fpr <= 5", "5", "did you mean `5%`?"),
            ("a: accuracy >= 0.9 and fnr <= 25 else warn", "25", "did you mean `25%`?"),
            ("accuracy > 93.4", "93.4", "did you mean `93.4%`?"),
            ("coverage >= 80", "80", "did you mean `80%`?"),
            ("spread(recall[region]) <= 5", "5", "did you mean `5%`?"),
            ("mean(coverage[seed]) >= 1.5", "1.5", "did you mean `1.5%`?"),
            ("recall_at_fpr_1pct[region=*] == 2", "2", "did you mean `2%`?"),
            ("f1 within [0.7, 99]", "99", "did you mean `99%`?"),
            ("f1 <= 500%", "500%", "write a fraction between 0 and 1, or between 0% and 100%"),
            ("f1 >= -0.1", "-0.1", "write a fraction between 0 and 1, or between 0% and 100%"),
            ("f1 >= 1000", "1000", "write a fraction between 0 and 1, or between 0% and 100%"),
            ("auc >= baseline - 2", "baseline - 2", "did you mean `2pp`?"),
            (
                "precision >= 90%",
                "90%",
                "`precision` is measured as a fraction: declare `unit: fraction` in place of `%`, or nothing",
            ),
        ] {
            let error: SyntaxError = parse_within_reach(gate, &units()).unwrap_err();
            assert_eq!((error.code, &gate[error.range.clone()]), (CODE, place), "{gate}");
            assert_eq!(error.help.as_deref(), Some(help), "{gate}: {}", error.message);
        }
        let mapping = json!({ "metric": "fpr", "min": -1, "max": 5, "no-worse-than": { "ref": "anchor", "margin": 2 } });
        let problems = from_json_within_reach(&mapping, &units()).unwrap_err();
        let found: Vec<_> = problems.iter().map(|problem| (problem.pointer.as_str(), problem.code)).collect();
        assert_eq!(found, [("/min", CODE), ("/max", CODE), ("/no-worse-than/margin", CODE)]);
        assert_eq!(problems[1].message, "`fpr` lies between 0 and 1, and so always on the same side of 5");
    }

    #[test]
    fn bounds_that_may_decide_are_read() {
        for gate in [
            "fpr <= 5% and fnr <= 0.25 and accuracy >= 0 and recall <= 1 and f1 <= 100%",
            "mcc >= -0.5 and r2 >= -3 and rmse <= 5 and tp >= 100 and log_loss <= 2 and loss <= 7",
            "count(recall[region]) == 5",
            "spread(mcc[region]) <= 1.5",
            "latency <= 50ms and latency <= 5",
            "auc >= baseline - 5% and auc >= previous - 0.2pp and auc <= baseline + 1 and auc >= loss - 3",
            "auc <= baseline + 150%",
        ] {
            parse_within_reach(gate, &units()).unwrap_or_else(|error| panic!("{gate}: {error}"));
        }
        let mapping =
            json!({ "metric": "fpr", "max": "5%", "no-worse-than": { "ref": "baseline", "margin": "5pp" } });
        from_json_within_reach(&mapping, &units()).unwrap_or_else(|problems| panic!("{problems:?}"));
    }
}
