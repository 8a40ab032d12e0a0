//! The two classes that a label tells apart.

/// The values of a two-class label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// The value the model gives the probability of, as written in the data.
    pub positive: String,
    /// The other value.
    pub negative: String,
}

/// Why labels do not make two classes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassesError {
    /// More or fewer than two values.
    #[error(
        "the label `{label}` has {count} different values ({values}), and a logistic regression needs exactly two"
    )]
    NotTwo {
        /// The label's column.
        label: String,
        /// How many values there are.
        count: usize,
        /// The first few of them.
        values: String,
    },
    /// The configured positive class does not occur.
    #[error("`positive: {positive}` is no value of the label `{label}`, which has `{first}` and `{second}`")]
    NoPositive {
        /// The configured value.
        positive: String,
        /// The label's column.
        label: String,
        /// One value.
        first: String,
        /// The other value.
        second: String,
    },
}

impl Classes {
    /// Finds the two values among `labels`, of which `positive` must be one (compared as a number where both are
    /// numbers, so that `1` is `1.0`).
    pub fn find(label: &str, labels: &[String], positive: &str) -> Result<Self, ClassesError> {
        let mut values: Vec<&str> = Vec::new();
        for value in labels {
            if !values.contains(&value.as_str()) {
                values.push(value);
            }
            if values.len() > 10 {
                break;
            }
        }
        let [first, second] = values[..] else {
            let more = if values.len() > 10 { ", ..." } else { "" };
            return Err(ClassesError::NotTwo {
                label: label.to_owned(),
                count: values.len(),
                values: format!("{}{more}", values.join(", ")),
            });
        };
        let (positive, negative) = if same(first, positive) {
            (first, second)
        } else if same(second, positive) {
            (second, first)
        } else {
            return Err(ClassesError::NoPositive {
                positive: positive.to_owned(),
                label: label.to_owned(),
                first: first.to_owned(),
                second: second.to_owned(),
            });
        };
        Ok(Self { positive: positive.to_owned(), negative: negative.to_owned() })
    }

    /// Whether `label`, one of the two values, is the positive one.
    pub fn is_positive(&self, label: &str) -> bool {
        label == self.positive
    }
}

fn same(left: &str, right: &str) -> bool {
    left == right
        || matches!((left.parse::<f64>(), right.parse::<f64>()), (Ok(left), Ok(right)) if left.total_cmp(&right).is_eq())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    #[test]
    fn finds_the_positive_class() {
        let classes = Classes::find("y", &labels(&["0.0", "1.0", "0.0"]), "1").unwrap();
        assert_eq!(classes, Classes { positive: "1.0".into(), negative: "0.0".into() });
        assert!(classes.is_positive("1.0"));
        assert!(!classes.is_positive("0.0"));
    }

    #[test]
    fn one_or_three_values_are_refused() {
        assert!(matches!(
            Classes::find("y", &labels(&["1", "1"]), "1"),
            Err(ClassesError::NotTwo { count: 1, .. })
        ));
        let error = Classes::find("y", &labels(&["1", "0", "?"]), "1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the label `y` has 3 different values (1, 0, ?), and a logistic regression needs exactly two"
        );
    }

    #[test]
    fn an_unknown_positive_value_is_refused() {
        let error = Classes::find("y", &labels(&["no", "yes"]), "1").unwrap_err();
        assert_eq!(error.to_string(), "`positive: 1` is no value of the label `y`, which has `no` and `yes`");
    }
}
