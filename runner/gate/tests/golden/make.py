"""Writes the predictions in this folder and `expected.json`, the values that scikit-learn gives for them.

    pip install scikit-learn==1.9.1 pandas pyarrow && python make.py

Data: UCI breast cancer (Wisconsin diagnostic), wine and diabetes, as packaged with scikit-learn, and drawn numbers with
many tied scores.
"""

import json
import math
import pathlib

import numpy as np
import pandas as pd
from sklearn import datasets, linear_model, metrics, model_selection, pipeline, preprocessing

here = pathlib.Path(__file__).parent
expected = []


def write(name, frame, formats=("csv",)):
    frame.to_csv(here / f"{name}.csv", index=False)
    if "parquet" in formats:
        frame.to_parquet(here / f"{name}.parquet", index=False, compression="zstd")
    if "jsonl" in formats:
        frame.to_json(here / f"{name}.jsonl", orient="records", lines=True, double_precision=15)


def record(file, values, where=None):
    for metric, value in values.items():
        assert math.isfinite(value), (file, metric, value)
        expected.append({"file": file, "metric": metric, "slice": where or {}, "value": float(value)})


def binary(frame):
    y, w = frame["label"].to_numpy(), frame["weight"].to_numpy() if "weight" in frame else None
    s = frame["score"].to_numpy()
    p = frame["prediction"].to_numpy() if "prediction" in frame else (s >= 0.5).astype(int)
    k = {"sample_weight": w}
    tn, fp, fn, tp = metrics.confusion_matrix(y, p, labels=[0, 1], **k).ravel()
    return {
        "accuracy": metrics.accuracy_score(y, p, **k),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, p, **k),
        "precision": metrics.precision_score(y, p, **k),
        "recall": metrics.recall_score(y, p, **k),
        "tpr": metrics.recall_score(y, p, **k),
        "specificity": metrics.recall_score(y, p, pos_label=0, **k),
        "fpr": fp / (fp + tn),
        "fnr": fn / (fn + tp),
        "f1": metrics.f1_score(y, p, **k),
        "f0.5": metrics.fbeta_score(y, p, beta=0.5, **k),
        "f2": metrics.fbeta_score(y, p, beta=2, **k),
        "mcc": metrics.matthews_corrcoef(y, p, **k),
        "roc_auc": metrics.roc_auc_score(y, s, **k),
        "auc": metrics.roc_auc_score(y, s, **k),
        "pr_auc": metrics.average_precision_score(y, s, **k),
        "log_loss": metrics.log_loss(y, s, labels=[0, 1], **k),
        "brier": metrics.brier_score_loss(y, s, **k),
        "tp": tp, "fp": fp, "tn": tn, "fn": fn,
        "n": len(y),
        "prevalence": np.average(y, weights=w),
        "predicted_positive_rate": np.average(p, weights=w),
        "f1_macro": metrics.f1_score(y, p, average="macro", **k),
    }


def classes(frame):
    y, p = frame["label"], frame["prediction"]
    w = frame["weight"].to_numpy() if "weight" in frame else None
    k = {"sample_weight": w}
    values = {
        "accuracy": metrics.accuracy_score(y, p, **k),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, p, **k),
    }
    for name, score in [("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)]:
        for average in ["macro", "micro", "weighted"]:
            values[f"{name}_{average}"] = score(y, p, average=average, **k)
    return values


def regression(frame):
    y, p = frame["label"], frame["prediction"]
    k = {"sample_weight": frame["weight"].to_numpy() if "weight" in frame else None}
    return {
        "mae": metrics.mean_absolute_error(y, p, **k),
        "mse": metrics.mean_squared_error(y, p, **k),
        "rmse": metrics.root_mean_squared_error(y, p, **k),
        "r2": metrics.r2_score(y, p, **k),
    }


rng = np.random.default_rng(7)

# Tied scores, weights, slices.
n = 400
label = rng.integers(0, 2, n)
tied = pd.DataFrame({
    "id": [f"row-{i}" for i in rng.permutation(n)],
    "label": label,
    "score": np.clip(np.round(0.5 + 0.25 * (label - 0.5) + 0.2 * rng.standard_normal(n), 1), 0, 1),
    "region": rng.choice(["EU", "US", "New York, \"NY\""], n),
    "device": rng.choice(["ios", "android"], n),
})
weighted = tied.assign(weight=np.round(rng.gamma(2, 1, n), 3))
weighted.loc[rng.choice(n, 10), "weight"] = 0.0
for file, frame in [("tied", tied), ("weighted", weighted)]:
    write(file, frame, ("csv", "parquet", "jsonl"))
    record(file, binary(frame))
    for column in ["region", "device"]:
        for value, part in frame.groupby(column):
            record(file, binary(part), {column: value})
    for (region, device), part in frame.groupby(["region", "device"]):
        record(file, binary(part), {"region": region, "device": device})

# Real data: a fitted model, with its own predictions.
x, y = datasets.load_breast_cancer(return_X_y=True)
train_x, test_x, train_y, test_y = model_selection.train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(C=0.01))
model.fit(train_x, train_y)
cancer = pd.DataFrame({
    "id": np.arange(len(test_y)), "label": test_y, "score": model.predict_proba(test_x)[:, 1], "prediction": model.predict(test_x),
})
write("cancer", cancer, ("csv", "parquet"))
record("cancer", binary(cancer))

# Classes by name, and by number, with weights.
wine = datasets.load_wine()
x, y = wine.data[:, :2], wine.target
model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression())
predicted = model_selection.cross_val_predict(model, x, y, cv=5)
numbered = pd.DataFrame({"id": np.arange(len(y)), "label": y, "prediction": predicted, "weight": rng.integers(1, 5, len(y))})
named = numbered.drop(columns="weight").assign(
    label=wine.target_names[y], prediction=wine.target_names[predicted])
for file, frame in [("classes", named), ("classes_weighted", numbered)]:
    write(file, frame)
    record(file, classes(frame))

# Numbers.
x, y = datasets.load_diabetes(return_X_y=True)
predicted = model_selection.cross_val_predict(linear_model.LinearRegression(), x, y, cv=5)
plain = pd.DataFrame({"id": np.arange(len(y)), "label": y, "prediction": predicted})
for file, frame in [("numbers", plain), ("numbers_weighted", plain.assign(weight=rng.random(len(y))))]:
    write(file, frame)
    record(file, regression(frame))

(here / "expected.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in expected) + "\n]\n")
