"""Writes `curves.json`: the points that scikit-learn and numpy give for the predictions in this folder.

    pip install scikit-learn==1.9.1 pandas && python make_curves.py
"""

import json
import pathlib

import numpy as np
import pandas as pd
from sklearn import calibration, metrics

here = pathlib.Path(__file__).parent
BINS = 10


def numbers(values):
    return [float(value) for value in values]


def frame_of(file):
    frame = pd.read_csv(here / f"{file}.csv")
    return frame, frame["weight"].to_numpy() if "weight" in frame else np.ones(len(frame))


def binary(file):
    frame, weight = frame_of(file)
    y, s = frame["label"].to_numpy(), frame["score"].to_numpy()
    weights = frame["weight"].to_numpy() if "weight" in frame else None
    fpr, tpr, _ = metrics.roc_curve(y, s, sample_weight=weights, drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(y, s, sample_weight=weights)
    curves = {
        "roc": [numbers(fpr), numbers(tpr)],
        "precision_recall": [numbers(recall[::-1]), numbers(precision[::-1])],
        "negatives": numbers(np.histogram(s[y == 0], bins=BINS, range=(0, 1), weights=weight[y == 0])[0]),
        "positives": numbers(np.histogram(s[y == 1], bins=BINS, range=(0, 1), weights=weight[y == 1])[0]),
    }
    if weights is None:
        # It takes no weights.
        rate, mean = calibration.calibration_curve(y, s, n_bins=BINS, strategy="uniform")
        curves["calibration"] = [numbers(mean), numbers(rate)]
    return curves


def classes(file):
    frame, weight = frame_of(file)
    return {"confusion": metrics.confusion_matrix(frame["label"], frame["prediction"], sample_weight=weight).tolist()}


def regression(file):
    frame, weight = frame_of(file)
    y, p = frame["label"].to_numpy(), frame["prediction"].to_numpy()
    counts, edges = np.histogram(y - p, bins=BINS, weights=weight)
    grid, x, z = np.histogram2d(y, p, bins=BINS, weights=weight)
    return {"residuals": numbers(counts), "edges": numbers(edges), "grid": grid.tolist(), "x": numbers(x), "y": numbers(z)}


curves = {file: binary(file) for file in ["tied", "weighted", "cancer"]}
curves |= {file: classes(file) for file in ["classes", "classes_weighted"]}
curves |= {file: regression(file) for file in ["numbers", "numbers_weighted"]}
(here / "curves.json").write_text("{\n" + ",\n".join(f'"{file}": {json.dumps(value)}' for file, value in curves.items()) + "\n}\n")
