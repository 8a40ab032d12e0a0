//! Checks a CSV or Parquet table against a reviewable schema, in one pass and bounded memory; or infers such a schema.
//!
//! [`check::TableCheck`] holds a table to a [`schema::Schema`]; [`step`] is the plugin around it.

pub mod check;
pub mod csv;
pub mod hash;
pub mod infer;
pub mod parquet;
pub mod schema;
pub mod step;
pub mod value;

runner_plugin_sdk::export_step!(step::TableCheckStep);
