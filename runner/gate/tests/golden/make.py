"""Writes the predictions in this folder; `expected.json`, the values that scikit-learn gives for them; and
`statistics.json`, the intervals and tests that SciPy and statsmodels give.

    pip install --requirement ../../../../tests/sklearn/requirements.txt && python make.py

With `--check` nothing is written: the values are computed again and compared with the files.

Data: UCI breast cancer (Wisconsin diagnostic), wine, diabetes and digits, as packaged with scikit-learn, and drawn
numbers with many tied scores.
"""

import json
import math
import pathlib
import sys

import numpy as np
import pandas as pd
from sklearn import datasets, linear_model, metrics, model_selection, pipeline, preprocessing

import statistics_of

here = pathlib.Path(__file__).parent
check = "--check" in sys.argv
expected = []


def write(name, frame, formats=("csv",)):
    if check:
        return
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
        "f1.5": metrics.fbeta_score(y, p, beta=1.5, **k),
        "ece": calibration_error(y, s, w, 10),
        "ece_15": calibration_error(y, s, w, 15),
        "recall_at_fpr_10pct": recall_at_fpr(y, s, w, 0.1),
        "tpr_at_fpr_33.3pct": recall_at_fpr(y, s, w, 0.333),
    }


def calibration_error(y, s, w, bins):
    """Over the bins of scikit-learn's `calibration_curve`."""
    w = np.ones(len(y)) if w is None else w
    of_row = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], s)
    distance = np.bincount(of_row, w * (y - s), minlength=bins)
    return np.abs(distance).sum() / w.sum()


def recall_at_fpr(y, s, w, most):
    fpr, tpr, _ = metrics.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    return tpr[fpr <= most].max()


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
        "mape": metrics.mean_absolute_percentage_error(y, p, **k),
        "pinball": metrics.mean_pinball_loss(y, p, alpha=0.5, **k),
        "pinball_0.9": metrics.mean_pinball_loss(y, p, alpha=0.9, **k),
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

# A score per class: the prediction is the class of the highest.
x, y = datasets.load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = model_selection.train_test_split(x, y, test_size=250, random_state=0, stratify=y)
model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(C=0.0003))
scores = model.fit(train_x, train_y).predict_proba(test_x).round(9)
digits = pd.DataFrame({"id": np.arange(len(test_y)), "label": test_y})
for digit in range(10):
    digits[f"score_{digit}"] = scores[:, digit]
write("digits", digits)
values = classes(digits.assign(prediction=scores.argmax(axis=1)))
for k in [1, 2, 3, 5]:
    values[f"top_{k}_accuracy"] = metrics.top_k_accuracy_score(test_y, scores, k=k, labels=np.arange(10))
record("digits", values)

# Queries: graded relevance with ties in the scores, and one relevant row each.
x, y = datasets.load_diabetes(return_X_y=True)
predicted = model_selection.cross_val_predict(linear_model.LinearRegression(), x, y, cv=5)
n = 17 * 26
graded = pd.DataFrame({
    "id": np.arange(n), "query": np.repeat([f"q{i}" for i in range(26)], 17),
    "label": np.digitize(y, np.quantile(y, [0.5, 0.7, 0.85, 0.95])), "score": (predicted / 20).round(),
    "judge": (y / 7).round(3),
})
best = graded.groupby("query")["label"].idxmax()
single = graded.assign(label=graded.index.isin(best).astype(int))


def table(frame, column):
    return frame[column].to_numpy().reshape(26, 17)


write("graded", graded)
write("single", single)
truth, score = table(graded, "label"), table(graded, "score")
record("graded", {
    "ndcg": metrics.ndcg_score(truth, score),
    "ndcg_at_1": metrics.ndcg_score(truth, score, k=1),
    "ndcg_at_5": metrics.ndcg_score(truth, score, k=5),
    "mean_judge": graded["judge"].mean(),
})
record("single", {"mrr": metrics.label_ranking_average_precision_score(table(single, "label"), table(single, "score"))})

found = statistics_of.cases(cancer)
if check:
    def same(name, old, new):
        if isinstance(old, dict):
            assert old.keys() == new.keys(), name
            for key in old:
                same(f"{name}/{key}", old[key], new[key])
        elif isinstance(old, list):
            assert len(old) == len(new), name
            for i, pair in enumerate(zip(old, new)):
                same(f"{name}/{i}", *pair)
        elif isinstance(old, float):
            assert abs(old - new) <= 1e-9 * max(1.0, abs(old)), (name, old, new)
        else:
            assert old == new, (name, old, new)

    for name, new in [("expected", expected), ("statistics", found)]:
        same(name, json.loads((here / f"{name}.json").read_text()), json.loads(json.dumps(new)))
    print(f"{len(expected)} values and {sum(map(len, found.values()))} intervals and tests agree")
else:
    (here / "expected.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in expected) + "\n]\n")
    (here / "statistics.json").write_text(json.dumps(found, indent=1) + "\n")
