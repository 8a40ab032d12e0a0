//! Which columns of the data the model takes, and which ones the predictions keep.

use crate::{config::Config, model::Metadata};

/// The name of the column that identifies a row where the configuration names none.
const DEFAULT_ID: &str = "id";

/// Names that the predictions give a meaning to, so that no slice can be called so.
const RESERVED: [&str; 5] = ["id", "label", "score", "prediction", "weight"];

/// The columns of one table, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The model's features in its order, with their names.
    pub features: Vec<(usize, String)>,
    /// The id; `None` where the row number serves.
    pub id: Option<usize>,
    /// The label and its name; `None` where the data has none.
    pub label: Option<(usize, String)>,
    /// The weight.
    pub weight: Option<usize>,
    /// Columns copied under their names.
    pub slices: Vec<(usize, String)>,
    /// Whether the features' order was taken from the data, for the model does not name its features.
    pub order_guessed: bool,
}

/// Why the data does not fit the model and the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// The model needs a column that is not there.
    #[error("the model needs the column{plural} {missing}, which the data does not have; it has: {present}", plural = if *.single { "" } else { "s" })]
    Feature {
        /// The names, as text.
        missing: String,
        /// Whether it is only one.
        single: bool,
        /// The columns that are there, as text.
        present: String,
    },
    /// A configured column is not in the header.
    #[error("`{key}: {name}`: the data has no column of that name; it has: {present}")]
    Configured {
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
    /// A slice has a name that means something else in predictions.
    #[error("`slices: {0}`: the name has a meaning of its own in predictions; rename the column")]
    Reserved(String),
}

impl Columns {
    /// Finds the columns in `header`.
    pub fn resolve(header: &[String], config: &Config, metadata: &Metadata) -> Result<Self, ColumnsError> {
        for (index, name) in header.iter().enumerate() {
            if header[..index].contains(name) {
                return Err(ColumnsError::Duplicate(name.clone()));
            }
        }
        let position = |name: &str| header.iter().position(|column| column == name);
        let find = |key: &'static str, name: &str| {
            position(name).ok_or_else(|| ColumnsError::Configured {
                key,
                name: name.to_owned(),
                present: header.join(", "),
            })
        };
        let id = match &config.id {
            Some(name) => Some(find("id", name)?),
            None => position(DEFAULT_ID),
        };
        let label = match (&config.label, &metadata.label) {
            (Some(name), _) => Some((find("label", name)?, name.clone())),
            // Data to be scored for real has no label.
            (None, Some(name)) => position(name).map(|index| (index, name.clone())),
            (None, None) => None,
        };
        let weight = config.weight.as_deref().map(|name| find("weight", name)).transpose()?;
        let mut slices = Vec::with_capacity(config.slices.len());
        for name in &config.slices {
            if RESERVED.contains(&name.as_str()) {
                return Err(ColumnsError::Reserved(name.clone()));
            }
            slices.push((find("slices", name)?, name.clone()));
        }
        let features = match &metadata.features {
            Some(names) => {
                let missing: Vec<&str> =
                    names.iter().map(String::as_str).filter(|name| position(name).is_none()).collect();
                if !missing.is_empty() {
                    return Err(ColumnsError::Feature {
                        missing: missing.join(", "),
                        single: missing.len() == 1,
                        present: header.join(", "),
                    });
                }
                names.iter().filter_map(|name| Some((position(name)?, name.clone()))).collect()
            }
            None => header
                .iter()
                .cloned()
                .enumerate()
                .filter(|(index, _)| {
                    Some(*index) != id
                        && Some(*index) != weight
                        && label.as_ref().is_none_or(|(label, _)| label != index)
                        && !slices.iter().any(|(slice, _)| slice == index)
                })
                .collect(),
        };
        Ok(Self { features, id, label, weight, slices, order_guessed: metadata.features.is_none() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        ["id", "b", "a", "group", "y"].map(String::from).to_vec()
    }

    fn config(json: &str) -> Config {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn features_come_in_the_models_order() {
        let metadata = Metadata {
            features: Some(vec!["a".into(), "b".into()]),
            label: Some("y".into()),
            ..Metadata::default()
        };
        let columns = Columns::resolve(&header(), &config(r#"{"slices":["group"]}"#), &metadata).unwrap();
        assert_eq!(columns.features, [(2, "a".to_owned()), (1, "b".to_owned())]);
        assert_eq!(columns.label, Some((4, "y".to_owned())));
        assert_eq!(columns.id, Some(0));
        assert_eq!(columns.slices, [(3, "group".to_owned())]);
        assert!(!columns.order_guessed);
    }

    #[test]
    fn without_metadata_the_datas_order_serves() {
        let columns =
            Columns::resolve(&header(), &config(r#"{"label":"y","slices":["group"]}"#), &Metadata::default())
                .unwrap();
        assert_eq!(columns.features, [(1, "b".to_owned()), (2, "a".to_owned())]);
        assert!(columns.order_guessed);
    }

    #[test]
    fn missing_columns_are_named_at_once() {
        let metadata =
            Metadata { features: Some(vec!["c".into(), "a".into(), "d".into()]), ..Metadata::default() };
        let error = Columns::resolve(&header(), &config("{}"), &metadata).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the model needs the columns c, d, which the data does not have; it has: id, b, a, group, y"
        );
    }

    #[test]
    fn a_slice_cannot_take_a_reserved_name() {
        let error =
            Columns::resolve(&header(), &config(r#"{"slices":["id"]}"#), &Metadata::default()).unwrap_err();
        assert_eq!(error, ColumnsError::Reserved("id".into()));
    }
}
