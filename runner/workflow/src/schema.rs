//! JSON Schema of the workflow file, for editors. Made by the types that read the file.

use schemars::generate::SchemaSettings;

use crate::document::WorkflowDocument;

/// The schema (draft 2020-12) as JSON.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<WorkflowDocument>();
    schema.insert("title".to_owned(), "runner workflow".into());
    schema.into()
}
