"""Compares what a run produced with scikit-learn on the same data. Exit code 0 if all agree, 1 if not.

    runner report latest --format json > report.json && python compare.py .

compares the quickstart's run that `report.json` records in a workspace. Any files are compared with

    python compare.py --model logistic --train train.csv --test test.csv --label label --exclude id texture_group \
        --coefficients coefficients.json --predictions predictions.csv --metrics metrics.json --onnx model.onnx

Tolerances: coefficients 1e-6 relative (each to its own size), predictions 1e-9 relative for the same model file
(onnxruntime) and 1e-6 against the model that scikit-learn trains, metrics 1e-9 relative on the same predictions.
"""

import argparse
import json
import math
import pathlib
import sys

import numpy
import pandas
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

COEFFICIENTS = 1e-6
PREDICTIONS = 1e-6
SAME_MODEL = 1e-9
METRICS = 1e-9


class Comparison:
    """Counts what agrees, and prints one line per comparison."""

    def __init__(self):
        self.failed = 0
        self.made = 0

    def near(self, what, found, expected, tolerance, scale=None):
        found, expected = numpy.asarray(found, dtype=float), numpy.asarray(expected, dtype=float)
        self.made += 1
        if found.shape != expected.shape:
            self.failed += 1
            print(f"DIFFERS  {what}: shape {found.shape}, expected {expected.shape}")
            return
        scale = max(1.0, float(numpy.abs(expected).max())) if scale is None else scale
        distance = float((numpy.abs(found - expected) / scale).max())
        agrees = math.isfinite(distance) and distance <= tolerance
        self.failed += not agrees
        print(f"{'agrees ' if agrees else 'DIFFERS'}  {what}: off by {distance:.2e}, allowed {tolerance:.0e}")

    def equal(self, what, found, expected):
        self.made += 1
        agrees = list(found) == list(expected)
        self.failed += not agrees
        print(f"{'agrees ' if agrees else 'DIFFERS'}  {what}" + ("" if agrees else f": {found}, expected {expected}"))


def fit(kind, strength, features, label):
    """Standardisation and model, to full convergence."""
    scaler = StandardScaler().fit(features)
    if kind == "logistic":
        model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=10_000)
    elif strength == 0:
        model = LinearRegression()
    else:
        model = Ridge(alpha=strength, solver="cholesky")
    return scaler, model.fit(scaler.transform(features), label)


def own_size(values):
    """What each value's error is measured by: the value itself, unless it is next to nothing beside the others."""
    return numpy.maximum(numpy.abs(values), 1e-9 * numpy.abs(values).max())


def compare_coefficients(comparison, path, names, scaler, model):
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    weights = numpy.ravel(model.coef_)
    intercept = float(numpy.ravel(model.intercept_)[0])
    raw = weights / scaler.scale_
    column = lambda key: [feature[key] for feature in report["features"]]
    comparison.equal("features and their order", column("feature"), names)
    comparison.near("means", column("mean"), scaler.mean_, COEFFICIENTS)
    comparison.near("scales", column("scale"), scaler.scale_, COEFFICIENTS)
    comparison.near("standardised coefficients", column("standardised"), weights, COEFFICIENTS, own_size(weights))
    comparison.near("raw coefficients", column("raw"), raw, COEFFICIENTS, own_size(raw))
    comparison.near("intercept, standardised", report["intercept_standardised"], intercept, COEFFICIENTS)
    comparison.near("intercept, raw", report["intercept"], intercept - float(raw @ scaler.mean_), COEFFICIENTS)


def compare_predictions(comparison, predictions, test, args, names, scaler, model):
    comparison.equal("ids", predictions["id"].astype(str), test[args.id].astype(str))
    features = scaler.transform(test[names].to_numpy(float))
    if args.model == "logistic":
        column, expected = "score", model.predict_proba(features)[:, 1]
        truth = (test[args.label].astype(str) == args.positive).astype(int)
    else:
        column, expected = "prediction", model.predict(features)
        truth = test[args.label]
    comparison.near("labels", predictions["label"], truth, 0.0)
    comparison.near(f"column {column}", predictions[column], expected, PREDICTIONS)
    return column


def compare_onnx(comparison, path, predictions, column, test, names):
    import onnx
    import onnxruntime

    with open(path, "rb") as file:
        content = file.read()
    document = onnx.load_model_from_string(content)
    onnx.checker.check_model(document, full_check=True)
    properties = {entry.key: entry.value for entry in document.metadata_props}
    comparison.equal("features in the model's metadata", json.loads(properties["runner.features"]), names)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {"features": test[names].to_numpy(float)})
    comparison.near("the model file in onnxruntime", predictions[column], answer, SAME_MODEL)


def expected_metrics(kind, rows):
    """Every standard metric that scikit-learn defines for these rows, by name."""
    truth = rows["label"].to_numpy(float)
    if kind == "linear":
        answer = rows["prediction"].to_numpy(float)
        mse = metrics.mean_squared_error(truth, answer)
        return {
            "mae": metrics.mean_absolute_error(truth, answer),
            "mse": mse,
            "rmse": math.sqrt(mse),
            "r2": metrics.r2_score(truth, answer),
            "n": len(rows),
        }
    score = rows["score"].to_numpy(float)
    answer = (score >= 0.5).astype(float)
    tn, fp, fn, tp = metrics.confusion_matrix(truth, answer, labels=[0, 1]).ravel()
    values = {
        "accuracy": metrics.accuracy_score(truth, answer),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, answer),
        "precision": metrics.precision_score(truth, answer),
        "recall": metrics.recall_score(truth, answer),
        "specificity": tn / (tn + fp),
        "f1": metrics.f1_score(truth, answer),
        "mcc": metrics.matthews_corrcoef(truth, answer),
        "roc_auc": metrics.roc_auc_score(truth, score),
        "pr_auc": metrics.average_precision_score(truth, score),
        "log_loss": metrics.log_loss(truth, score, labels=[0, 1]),
        "brier": metrics.brier_score_loss(truth, score),
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": fn,
        "n": len(rows),
    }
    for alias, name in {"auc": "roc_auc", "tpr": "recall", "tnr": "specificity", "average_precision": "pr_auc"}.items():
        values[alias] = values[name]
    return values


def compare_metrics(comparison, path, kind, predictions):
    """The file holds `[{"name": …, "value": …, "slice": [[column, value], …]}, …]`, or `{name: value}`."""
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    if isinstance(found, dict):
        found = [{"name": name, "value": value} for name, value in found.items()]
    known = 0
    for metric in found:
        rows, parts = predictions, metric.get("slice") or []
        parts = list(parts.items()) if isinstance(parts, dict) else parts
        if any(column not in predictions for column, _ in parts):
            continue
        for column, value in parts:
            rows = rows[rows[column].astype(str) == str(value)]
        expected = expected_metrics(kind, rows).get(metric["name"])
        if expected is None:
            continue
        known += 1
        where = "".join(f"[{column}={value}]" for column, value in parts)
        comparison.near(f"metric {metric['name']}{where}", float(metric["value"]), expected, METRICS)
    comparison.made += 1
    if known == 0:
        comparison.failed += 1
        print(f"DIFFERS  {path} names no metric that scikit-learn knows")


def quickstart(workspace):
    """The arguments for the run of the quickstart that `report.json` in `workspace` records."""
    with open(workspace / "report.json", encoding="utf-8") as file:
        record = json.load(file)
    found = {}
    judged = []
    for stage in record["stages"]:
        for step in stage["steps"]:
            for artifact in step["artifacts"]:
                digest = artifact["digest"].removeprefix("sha256:")
                found[artifact["output"]] = workspace / ".runner/objects/sha256" / digest[:2] / digest
        for gate in stage["gates"]:
            for rule in gate["rules"]:
                name = rule["term"].partition("[")[0]
                judged.append({"name": name, "value": rule.get("observed", "nan"), "slice": rule.get("slice", [])})
    metrics_path = workspace / "metrics.json"
    metrics_path.write_text(json.dumps(judged), encoding="utf-8")
    data = {entry["name"]: workspace / entry["path"] for entry in record["data"]}
    return [
        *("--model", "logistic", "--strength", str(record["params"]["c"]), "--label", "label", "--exclude", "texture_group"),
        *("--train", str(data["train"]), "--test", str(data["test"]), "--metrics", str(metrics_path)),
        *("--coefficients", str(found["coefficients"]), "--predictions", str(found["predictions"])),
        *("--onnx", str(found["model"])),
    ]


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 1 and not arguments[0].startswith("-"):
        arguments = quickstart(pathlib.Path(arguments[0]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["logistic", "linear"], required=True)
    parser.add_argument("--strength", type=float, default=1.0, help="C of the logistic, alpha of the linear model")
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--id", default="id")
    parser.add_argument("--label", required=True)
    parser.add_argument("--positive", default="1")
    parser.add_argument("--exclude", nargs="*", default=[], help="columns that are no features, besides id and label")
    parser.add_argument("--coefficients")
    parser.add_argument("--predictions")
    parser.add_argument("--metrics")
    parser.add_argument("--onnx")
    args = parser.parse_args(arguments)

    train, test = pandas.read_csv(args.train), pandas.read_csv(args.test)
    names = [name for name in train.columns if name not in {args.id, args.label, *args.exclude}]
    label = train[args.label]
    if args.model == "logistic":
        label = (label.astype(str) == args.positive).astype(int)
    scaler, model = fit(args.model, args.strength, train[names].to_numpy(float), label.to_numpy())

    comparison = Comparison()
    if args.coefficients:
        compare_coefficients(comparison, args.coefficients, names, scaler, model)
    if args.predictions:
        predictions = pandas.read_csv(args.predictions)
        column = compare_predictions(comparison, predictions, test, args, names, scaler, model)
        if args.onnx:
            compare_onnx(comparison, args.onnx, predictions, column, test, names)
        if args.metrics:
            compare_metrics(comparison, args.metrics, args.model, predictions)
    elif args.onnx or args.metrics:
        parser.error("--onnx and --metrics need --predictions")
    print(f"{comparison.made} comparisons, {comparison.failed} differ")
    return 1 if comparison.failed or comparison.made == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
