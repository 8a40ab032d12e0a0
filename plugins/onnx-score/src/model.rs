//! An ONNX model, run by tract.

use std::{io::Cursor, sync::Arc};

use tract_onnx::{
    prelude::{
        DatumType, Framework, InferenceFact, InferenceModelExt, IntoRunnable, IntoTValue, SymbolScope,
        Tensor, ToDim, TypedModel, TypedRunnableModel, tvec,
    },
    tract_hir::{infer::Factoid, internal::DimLike},
};

/// Facts about a model that the project's training plugins write into its metadata; all may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `runner.features`: the features' names in the order of the input's columns.
    pub features: Option<Vec<String>>,
    /// `runner.label`: the column that the model predicts.
    pub label: Option<String>,
    /// `runner.task`: `binary-classification` or `regression`.
    pub task: Option<String>,
    /// `runner.positive`: the label's value that the probability is of.
    pub positive: Option<String>,
    /// `runner.negative`: the label's other value.
    pub negative: Option<String>,
}

/// A model that is ready to run.
pub struct Model {
    runnable: Arc<TypedRunnableModel>,
    input: DatumType,
    features: usize,
}

/// What is known of a model before it is made ready to run.
pub struct Parsed {
    inference: tract_onnx::prelude::InferenceModel,
    input: DatumType,
    width: Option<usize>,
    outputs: Vec<String>,
    /// Its metadata.
    pub metadata: Metadata,
}

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not ONNX, or an operator that tract does not know.
    #[error("not an ONNX model that can be read: {0}")]
    Unreadable(String),
    /// The model's input is not a table of numbers.
    #[error("the model must take one input of floats with shape [rows, features], but it takes {0}")]
    Input(String),
    /// Which output to take is not clear.
    #[error("the model has the outputs {present}; say which one under `output-name`")]
    Output {
        /// The outputs' names, as text.
        present: String,
    },
    /// The metadata is not what the training plugins write.
    #[error("the model's metadata `{key}` is not valid: {reason}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The number of features differs.
    #[error("the model takes {expected} features, but {found} columns are given: {names}")]
    Width {
        /// What the model takes.
        expected: usize,
        /// How many columns there are.
        found: usize,
        /// Their names, as text.
        names: String,
    },
    /// Running the model failed.
    #[error("the model cannot be run: {0}")]
    Run(String),
    /// The output is not one number per row.
    #[error(
        "the model gives an output of shape {shape} for {rows} rows; one number per row, or two probabilities, are needed"
    )]
    Shape {
        /// The shape, as text.
        shape: String,
        /// Rows that were given.
        rows: usize,
    },
}

/// The chain of causes as one line.
fn causes(error: &impl std::fmt::Display) -> String {
    format!("{error:#}")
}

impl Parsed {
    /// Reads an ONNX document.
    pub fn read(document: &[u8]) -> Result<Self, ModelError> {
        let inference = tract_onnx::onnx()
            .model_for_read(&mut Cursor::new(document))
            .map_err(|error| ModelError::Unreadable(causes(&error)))?;
        let [_] = inference.inputs[..] else {
            return Err(ModelError::Input(format!("{} inputs", inference.inputs.len())));
        };
        let fact = inference.input_fact(0).map_err(|error| ModelError::Unreadable(causes(&error)))?;
        let described = || ModelError::Input(format!("{fact:?}"));
        let input = fact.datum_type.concretize().ok_or_else(described)?;
        if !matches!(input, DatumType::F32 | DatumType::F64) {
            return Err(described());
        }
        let rank = fact.shape.rank().concretize();
        if rank.is_some_and(|rank| rank != 2) {
            return Err(described());
        }
        let width = match rank {
            Some(_) => fact.shape.dim(1).and_then(|dim| dim.concretize()).and_then(|dim| dim.to_usize().ok()),
            None => None,
        };
        let outputs = inference
            .outputs
            .iter()
            .map(|outlet| match inference.outlet_label(*outlet) {
                Some(label) => label.to_owned(),
                None => inference.node(outlet.node).name.clone(),
            })
            .collect();
        let metadata = metadata(&inference)?;
        Ok(Self { inference, input, width, outputs, metadata })
    }

    /// Makes the model ready to run on the columns `features`, giving the output `output` (the only one if `None`).
    pub fn prepare(mut self, features: &[String], output: Option<&str>) -> Result<Model, ModelError> {
        if let Some(expected) = self.width.filter(|&expected| expected != features.len()) {
            return Err(ModelError::Width { expected, found: features.len(), names: features.join(", ") });
        }
        let position = match output {
            Some(name) => self.outputs.iter().position(|known| known == name),
            None if self.outputs.len() == 1 => Some(0),
            None => None,
        };
        let Some(position) = position else {
            return Err(ModelError::Output { present: self.outputs.join(", ") });
        };
        self.inference.outputs = vec![self.inference.outputs[position]];
        let run = |error| ModelError::Run(causes(&error));
        let symbols: SymbolScope = self.inference.symbols.clone();
        let shape = tvec![symbols.sym("N").to_dim(), features.len().to_dim()];
        let optimised: TypedModel = self
            .inference
            .with_input_fact(0, InferenceFact::dt_shape(self.input, shape))
            .and_then(InferenceModelExt::into_optimized)
            .map_err(run)?;
        let runnable = optimised.into_runnable().map_err(run)?;
        Ok(Model { runnable, input: self.input, features: features.len() })
    }
}

impl Model {
    /// One number per row. `cells` holds the rows one after the other; there is at least one.
    ///
    /// Of an output with two columns (the probabilities of the negative and the positive class) it is the second.
    pub fn score(&self, cells: &[f64]) -> Result<Vec<f64>, ModelError> {
        let run = |error| ModelError::Run(causes(&error));
        let rows = cells.len() / self.features;
        let table = Tensor::from_shape(&[rows, self.features], cells).map_err(run)?;
        let table = table.cast_to_dt(self.input).map_err(run)?.into_owned();
        let outputs = self.runnable.run(tvec!(table.into_tvalue())).map_err(run)?;
        let output = &outputs[0];
        let shape = output.shape();
        let taken = match *shape {
            [count] if count == rows => 1,
            [count, columns @ (1 | 2)] if count == rows => columns,
            _ => return Err(ModelError::Shape { shape: format!("{shape:?}"), rows }),
        };
        let numbers = output.cast_to::<f64>().map_err(run)?;
        let numbers = numbers.try_as_plain_ram().map_err(run)?;
        let numbers = numbers.as_slice::<f64>().map_err(run)?;
        Ok(numbers.iter().skip(taken - 1).step_by(taken).copied().collect())
    }
}

fn metadata(model: &tract_onnx::prelude::InferenceModel) -> Result<Metadata, ModelError> {
    let text = |key: &'static str| -> Result<Option<String>, ModelError> {
        let Some(value) = model.properties.get(&format!("onnx.metadata_props.{key}")) else {
            return Ok(None);
        };
        let invalid = |error| ModelError::Metadata { key, reason: causes(&error) };
        let value = value.try_as_plain_ram().map_err(invalid)?;
        Ok(Some(value.to_scalar::<String>().map_err(invalid)?.clone()))
    };
    let features =
        match text("runner.features")? {
            None => None,
            Some(json) => Some(serde_json::from_str(&json).map_err(|error| ModelError::Metadata {
                key: "runner.features",
                reason: error.to_string(),
            })?),
        };
    Ok(Metadata {
        features,
        label: text("runner.label")?,
        task: text("runner.task")?,
        positive: text("runner.positive")?,
        negative: text("runner.negative")?,
    })
}
