"""The same as `runner/gate/examples/gates.rs` with scikit-learn and a vectorised NumPy loop.

    python gates_numpy.py metrics FILE.csv
    python gates_numpy.py auc CANDIDATE.csv BASELINE.csv

Prints seconds without reading files, then what was computed. The loop is timed on 100 of the 2,000 resamples and
multiplied: all of them take minutes.
"""

import sys
import time

import numpy
from sklearn import metrics

RESAMPLES = 2000
TIMED = 100


def load(path):
    table = numpy.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 1].astype(int), table[:, 2]


def all_metrics(label, score):
    answer = (score >= 0.5).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(label, answer).ravel()
    fpr, tpr, _ = metrics.roc_curve(label, score)
    bins = numpy.searchsorted(numpy.linspace(0, 1, 11)[1:-1], score)
    return {
        "accuracy": metrics.accuracy_score(label, answer),
        "balanced_accuracy": metrics.balanced_accuracy_score(label, answer),
        "precision": metrics.precision_score(label, answer),
        "recall": metrics.recall_score(label, answer),
        "specificity": metrics.recall_score(label, answer, pos_label=0),
        "f1": metrics.f1_score(label, answer),
        "f0.5": metrics.fbeta_score(label, answer, beta=0.5),
        "f2": metrics.fbeta_score(label, answer, beta=2),
        "mcc": metrics.matthews_corrcoef(label, answer),
        "roc_auc": metrics.roc_auc_score(label, score),
        "pr_auc": metrics.average_precision_score(label, score),
        "log_loss": metrics.log_loss(label, score),
        "brier": metrics.brier_score_loss(label, score),
        "counts": (int(tp), int(fp), int(tn), int(fn)),
        "f1_macro": metrics.f1_score(label, answer, average="macro"),
        "f1_weighted": metrics.f1_score(label, answer, average="weighted"),
        "ece": numpy.abs(numpy.bincount(bins, label - score, minlength=10)).sum() / len(label),
        "recall_at_fpr_1pct": tpr[fpr <= 0.01].max(),
    }


def area(label, score):
    """By ranks. Copies of one row tie only with each other, which are of one class, so ties need no care here."""
    rank = numpy.empty(len(score))
    rank[numpy.argsort(score)] = numpy.arange(1, len(score) + 1)
    positives = label.sum()
    return (rank[label == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(label) - positives))


def main():
    if sys.argv[1] == "metrics":
        label, score = load(sys.argv[2])
        start = time.perf_counter()
        values = all_metrics(label, score)
        print(time.perf_counter() - start)
        print(values)
        return
    (label, ours), (_, theirs) = load(sys.argv[2]), load(sys.argv[3])
    rng = numpy.random.default_rng(7)
    start = time.perf_counter()
    differences = []
    for _ in range(TIMED):
        rows = rng.integers(len(label), size=len(label))
        drawn = label[rows]
        differences.append(area(drawn, ours[rows]) - area(drawn, theirs[rows]))
    print((time.perf_counter() - start) * RESAMPLES / TIMED)
    print(numpy.quantile(differences, [0.05, 0.95]))


if __name__ == "__main__":
    main()
