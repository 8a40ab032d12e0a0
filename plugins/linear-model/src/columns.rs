//! Which columns of a table mean what.

use serde::Deserialize;

/// The name of the column that identifies a row where the configuration names none.
pub const DEFAULT_ID: &str = "id";

/// The part of a training step's configuration that says what the columns are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Columns {
    /// The column to be predicted.
    pub label: String,
    /// The column that identifies a row, never a feature. Without it, a column called `id` is taken if there is one.
    #[serde(default)]
    pub id: Option<String>,
    /// The features, in the order the model takes them. Without it: every numeric column but id, label and `exclude`.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// Columns that are not features.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Why a header does not fit the configured columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// A configured column is not in the header.
    #[error("`{key}: {name}`: the data has no column of that name; it has: {present}")]
    Missing {
        /// The key of the configuration.
        key: &'static str,
        /// The name it holds.
        name: String,
        /// The columns that are there, as text.
        present: String,
    },
    /// Two columns bear the same name.
    #[error("two columns are called `{0}`: every column needs a name of its own")]
    Duplicate(String),
    /// A column is given two meanings, or the same feature is listed twice.
    #[error("`features` must list each column once, and neither the label nor the id: `{0}`")]
    NotAFeature(String),
    /// Nothing is left to learn from.
    #[error(
        "no feature is left: besides the id, the label and the excluded columns there is nothing numeric"
    )]
    NoFeature,
}

/// The columns of one table that may become features, and the one that holds the label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Index of the label's column.
    pub label: usize,
    /// Index and name of every candidate, in the order the model will take them.
    pub candidates: Vec<(usize, String)>,
    /// Whether the configuration lists the features, so that each must be numeric.
    pub listed: bool,
}

impl Columns {
    /// Finds the configured columns in `header`.
    pub fn resolve(&self, header: &[String]) -> Result<Resolved, ColumnsError> {
        for (index, name) in header.iter().enumerate() {
            if header[..index].contains(name) {
                return Err(ColumnsError::Duplicate(name.clone()));
            }
        }
        let find = |key: &'static str, name: &str| {
            header.iter().position(|column| column == name).ok_or_else(|| ColumnsError::Missing {
                key,
                name: name.to_owned(),
                present: header.join(", "),
            })
        };
        let label = find("label", &self.label)?;
        let id = match &self.id {
            Some(name) => Some(find("id", name)?),
            None => header.iter().position(|column| column == DEFAULT_ID),
        };
        let excluded =
            self.exclude.iter().map(|name| find("exclude", name)).collect::<Result<Vec<usize>, _>>()?;
        let candidates: Vec<(usize, String)> = match &self.features {
            Some(names) => {
                let mut candidates: Vec<(usize, String)> = Vec::with_capacity(names.len());
                for name in names {
                    let index = find("features", name)?;
                    let taken = candidates.iter().any(|(other, _)| *other == index);
                    if index == label || Some(index) == id || excluded.contains(&index) || taken {
                        return Err(ColumnsError::NotAFeature(name.clone()));
                    }
                    candidates.push((index, name.clone()));
                }
                candidates
            }
            None => header
                .iter()
                .cloned()
                .enumerate()
                .filter(|(index, _)| *index != label && Some(*index) != id && !excluded.contains(index))
                .collect(),
        };
        if candidates.is_empty() {
            return Err(ColumnsError::NoFeature);
        }
        Ok(Resolved { label, candidates, listed: self.features.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        ["id", "a", "b", "y"].map(String::from).to_vec()
    }

    fn columns(json: &str) -> Columns {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn takes_everything_but_id_label_and_excluded() {
        let resolved = columns(r#"{"label":"y","exclude":["b"]}"#).resolve(&header()).unwrap();
        assert_eq!(resolved.label, 3);
        assert_eq!(resolved.candidates, [(1, "a".to_owned())]);
    }

    #[test]
    fn keeps_the_order_of_listed_features() {
        let resolved = columns(r#"{"label":"y","features":["b","a"]}"#).resolve(&header()).unwrap();
        assert_eq!(resolved.candidates, [(2, "b".to_owned()), (1, "a".to_owned())]);
    }

    #[test]
    fn names_a_missing_column() {
        let error = columns(r#"{"label":"z"}"#).resolve(&header()).unwrap_err();
        assert_eq!(error.to_string(), "`label: z`: the data has no column of that name; it has: id, a, b, y");
    }

    #[test]
    fn refuses_the_label_as_a_feature() {
        let error = columns(r#"{"label":"y","features":["a","y"]}"#).resolve(&header()).unwrap_err();
        assert_eq!(error, ColumnsError::NotAFeature("y".to_owned()));
    }
}
