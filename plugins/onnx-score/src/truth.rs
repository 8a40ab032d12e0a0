//! The label of a row, as predictions hold it.

/// How a label's cell becomes the predictions' label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// 1 for the positive value, 0 for the other (any other, if the model does not name it).
    Class {
        /// The value that counts as 1.
        positive: String,
        /// The value that counts as 0, if only one does.
        negative: Option<String>,
    },
    /// The cell as it is, which must be a finite number.
    Number,
    /// The cell as it is.
    Text,
}

impl Truth {
    /// The predictions' label for `cell`; the error says what is wrong with the cell.
    pub fn read(&self, cell: &str) -> Result<String, String> {
        if cell.is_empty() {
            return Err("the label is empty".to_owned());
        }
        match self {
            Self::Class { positive, .. } if same(cell, positive) => Ok("1".to_owned()),
            Self::Class { negative: Some(negative), positive } if !same(cell, negative) => Err(format!(
                "the label `{cell}` is neither `{positive}` nor `{negative}`, the values the model was trained on"
            )),
            Self::Class { .. } => Ok("0".to_owned()),
            Self::Number => match cell.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(cell.to_owned()),
                _ => Err(format!("the label `{cell}` is not a finite number")),
            },
            Self::Text => Ok(cell.to_owned()),
        }
    }
}

/// Whether two cells hold the same value: as text, or as numbers, so that `1` is `1.0`.
fn same(left: &str, right: &str) -> bool {
    left == right
        || matches!((left.parse::<f64>(), right.parse::<f64>()), (Ok(left), Ok(right)) if left.total_cmp(&right).is_eq())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_become_one_and_zero() {
        let truth = Truth::Class { positive: "yes".into(), negative: Some("no".into()) };
        assert_eq!(truth.read("yes").unwrap(), "1");
        assert_eq!(truth.read("no").unwrap(), "0");
        assert!(truth.read("No").unwrap_err().contains("neither `yes` nor `no`"));
        assert!(truth.read("").is_err());
        let truth = Truth::Class { positive: "1".into(), negative: None };
        assert_eq!(truth.read("1.0").unwrap(), "1");
        assert_eq!(truth.read("2").unwrap(), "0");
    }

    #[test]
    fn numbers_are_kept_as_written() {
        assert_eq!(Truth::Number.read("1.50").unwrap(), "1.50");
        assert!(Truth::Number.read("inf").is_err());
    }
}
