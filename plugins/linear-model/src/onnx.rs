//! A linear model as an ONNX document.
//!
//! Opset 13, 64-bit floats throughout, so that a scored example agrees with the training to the last digits. The
//! document is read by `onnxruntime` and by tract alike; `tests/sklearn/compare.py` shows it.

mod messages;

use prost::Message;

use crate::scaling::Scaling;
use messages::{
    Dimension, Graph, MetadataEntry, Model, Node, OperatorSet, Tensor, TensorShape, TensorType, Type,
    ValueInfo,
};

/// Name of the model's only input: `double[N, d]`.
pub const INPUT: &str = "features";
/// Metadata key: the features' names in order, a JSON list.
pub const META_FEATURES: &str = "runner.features";
/// Metadata key: the name of the label's column.
pub const META_LABEL: &str = "runner.label";
/// Metadata key: `binary-classification` or `regression`.
pub const META_TASK: &str = "runner.task";
/// Metadata key: the label's value that the probability is of.
pub const META_POSITIVE: &str = "runner.positive";
/// Metadata key: the label's other value.
pub const META_NEGATIVE: &str = "runner.negative";

const IR_VERSION: i64 = 8;
const OPSET: i64 = 13;

/// What the model answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `probability: double[N]`, the logistic function of the linear score.
    Probability,
    /// `prediction: double[N]`, the linear score.
    Prediction,
}

impl Answer {
    /// Name of the model's output.
    pub const fn output(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Prediction => "prediction",
        }
    }
}

/// A fitted model, ready to be written.
#[derive(Debug, Clone, Copy)]
pub struct LinearModel<'a> {
    /// The plugin that trained it.
    pub producer: &'a str,
    /// That plugin's version.
    pub producer_version: &'a str,
    /// Standardisation of the features, part of the model.
    pub scaling: &'a Scaling,
    /// One weight per standardised feature.
    pub weights: &'a [f64],
    /// The score where every standardised feature is 0.
    pub intercept: f64,
    /// What to answer with.
    pub answer: Answer,
    /// Further facts for whoever uses the model; see the `META_` constants.
    pub metadata: &'a [(&'a str, String)],
}

/// The bytes of the ONNX document. The same model gives the same bytes.
pub fn write(model: &LinearModel<'_>) -> Vec<u8> {
    let features = model.weights.len();
    let output = model.answer.output();
    let (mut nodes, score) = linear_nodes(output, model.answer);
    let mut initialisers = vec![
        Tensor::doubles("means", &[features], model.scaling.means.as_slice()),
        Tensor::doubles("scales", &[features], model.scaling.scales.as_slice()),
        Tensor::doubles("weights", &[features, 1], model.weights),
        Tensor::doubles("intercept", &[1], &[model.intercept]),
        Tensor::integers("last_axis", &[1], &[1]),
    ];
    if model.answer == Answer::Probability {
        initialisers.push(Tensor::doubles("one", &[1], &[1.0]));
        // 1 / (1 + exp(−score)) spelt out: runtimes carry Exp in 64 bits, but not all of them Sigmoid.
        nodes.push(Node::new("Neg", &[score], "negated"));
        nodes.push(Node::new("Exp", &["negated"], "exponential"));
        nodes.push(Node::new("Add", &["exponential", "one"], "denominator"));
        nodes.push(Node::new("Reciprocal", &["denominator"], output));
    }
    let width = i64::try_from(features).unwrap_or(i64::MAX);
    let document = Model {
        ir_version: Some(IR_VERSION),
        producer_name: Some(model.producer.to_owned()),
        producer_version: Some(model.producer_version.to_owned()),
        graph: Some(Graph {
            node: nodes,
            name: Some("linear".to_owned()),
            initializer: initialisers,
            input: vec![value_info(
                INPUT,
                vec![rows(), Dimension { dim_value: Some(width), dim_param: None }],
            )],
            output: vec![value_info(output, vec![rows()])],
        }),
        opset_import: vec![OperatorSet { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: model
            .metadata
            .iter()
            .map(|(key, value)| MetadataEntry { key: Some((*key).to_owned()), value: Some(value.clone()) })
            .collect(),
    };
    document.encode_to_vec()
}

/// The nodes from the input to the linear score, and the score's name.
fn linear_nodes(output: &'static str, answer: Answer) -> (Vec<Node>, &'static str) {
    let score = if answer == Answer::Prediction { output } else { "score" };
    let nodes = vec![
        Node::new("Sub", &[INPUT, "means"], "centred"),
        Node::new("Div", &["centred", "scales"], "standardised"),
        Node::new("MatMul", &["standardised", "weights"], "weighted"),
        Node::new("Add", &["weighted", "intercept"], "shifted"),
        Node::new("Squeeze", &["shifted", "last_axis"], score),
    ];
    (nodes, score)
}

fn rows() -> Dimension {
    Dimension { dim_value: None, dim_param: Some("N".to_owned()) }
}

fn value_info(name: &str, dimensions: Vec<Dimension>) -> ValueInfo {
    let tensor_type =
        TensorType { elem_type: Some(messages::DOUBLE), shape: Some(TensorShape { dim: dimensions }) };
    ValueInfo { name: Some(name.to_owned()), r#type: Some(Type { tensor_type: Some(tensor_type) }) }
}

#[cfg(test)]
mod tests {
    use nalgebra::DVector;

    use super::*;

    #[test]
    fn the_document_reads_back() {
        let scaling =
            Scaling { means: DVector::from_vec(vec![1.0, 2.0]), scales: DVector::from_vec(vec![3.0, 4.0]) };
        let model = LinearModel {
            producer: "logistic-train",
            producer_version: "0.1.0",
            scaling: &scaling,
            weights: &[0.5, -0.5],
            intercept: 0.1,
            answer: Answer::Probability,
            metadata: &[(META_LABEL, "y".to_owned())],
        };
        let bytes = write(&model);
        assert_eq!(bytes, write(&model), "the same model gives the same bytes");
        let document = Model::decode(bytes.as_slice()).unwrap();
        assert_eq!(document.ir_version, Some(8));
        assert_eq!(document.opset_import[0].version, Some(13));
        assert_eq!(document.metadata_props[0].key.as_deref(), Some(META_LABEL));
        let graph = document.graph.unwrap();
        assert_eq!(graph.node.last().unwrap().output, ["probability"]);
        let weights =
            graph.initializer.iter().find(|tensor| tensor.name.as_deref() == Some("weights")).unwrap();
        assert_eq!(weights.dims, [2, 1]);
        assert_eq!(
            weights.raw_data.as_deref().unwrap(),
            [0.5_f64.to_le_bytes(), (-0.5_f64).to_le_bytes()].concat()
        );
    }
}
