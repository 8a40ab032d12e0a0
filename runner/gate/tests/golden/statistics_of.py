"""Intervals and tests as SciPy and statsmodels give them, for `statistics.json`."""

import numpy as np
from scipy import stats
from sklearn import datasets, ensemble, model_selection
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest


def shares():
    for successes, trials in [(45, 50), (171, 200), (9_120, 10_000), (3, 11), (499, 1_000)]:
        for confidence in [0.9, 0.95, 0.99]:
            lower, upper = proportion_confint(successes, trials, alpha=2 * (1 - confidence), method="wilson")
            bound = 0.8
            test = lambda way: proportions_ztest(successes, trials, value=bound, prop_var=bound, alternative=way)[1]
            yield {
                "successes": successes, "trials": trials, "confidence": confidence, "lower": lower, "upper": upper,
                "exact_at_most": stats.binomtest(successes, trials, bound, alternative="greater").pvalue,
                "exact_at_least": stats.binomtest(successes, trials, bound, alternative="less").pvalue,
                "bound": bound, "p_at_most": test("larger"), "p_at_least": test("smaller"),
            }


def flips():
    for helpful, harmful, rows in [(3, 9, 200), (0, 6, 100), (41, 38, 5_000), (120, 80, 1_000)]:
        exact = mcnemar([[rows, helpful], [harmful, 0]], exact=True).pvalue
        better = stats.binomtest(helpful, helpful + harmful, alternative="greater")
        worse = stats.binomtest(helpful, helpful + harmful, alternative="less")
        scale = (helpful + harmful) / rows
        yield {
            "helpful": helpful, "harmful": harmful, "rows": rows, "two_sided": float(exact),
            "not_better": better.pvalue, "not_worse": worse.pvalue, "confidence": 0.95,
            "lower": (2 * better.proportion_ci(0.95).low - 1) * scale,
            "upper": (2 * worse.proportion_ci(0.95).high - 1) * scale,
        }


def seeds():
    ours, theirs = [0.912, 0.905, 0.921, 0.917, 0.909], [0.901, 0.907, 0.911, 0.899]
    for values, others in [(ours, None), (ours[:3], None), (ours, theirs)]:
        if others is None:
            test = lambda way: stats.ttest_1samp(values, 0.91, alternative=way)
            value = 0.91
        else:
            test = lambda way: stats.ttest_ind(values, others, equal_var=False, alternative=way)
            value = 0.0
        larger, smaller = test("greater"), test("less")
        yield {
            "values": values, "others": others, "value": value, "confidence": 0.95,
            "p_at_most": larger.pvalue, "p_at_least": smaller.pvalue,
            "lower": larger.confidence_interval(0.95).low, "upper": smaller.confidence_interval(0.95).high,
        }


def corrections():
    for raw in [[0.001, 0.04, 0.03, 0.2, 0.03, 0.9], [0.05, 0.05, 0.05], [1e-9, 0.5]]:
        yield {
            "raw": raw,
            "holm": multipletests(raw, method="holm")[1].tolist(),
            "bh": multipletests(raw, method="fdr_bh")[1].tolist(),
        }


def areas(cancer):
    """DeLong's covariance by midranks, for the model of `cancer` and a forest on the same rows."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    train_x, test_x, train_y, _ = model_selection.train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    forest = ensemble.RandomForestClassifier(n_estimators=20, max_depth=2, random_state=0).fit(train_x, train_y)
    label, models = cancer["label"].to_numpy(), [cancer["score"].to_numpy(), forest.predict_proba(test_x)[:, 1].round(2)]
    m, n = int(label.sum()), int((1 - label).sum())
    positives, negatives, aucs = [], [], []
    for score in models:
        everyone, own, other = stats.rankdata(score), stats.rankdata(score[label == 1]), stats.rankdata(score[label == 0])
        positives.append((everyone[label == 1] - own) / n)
        negatives.append(1 - (everyone[label == 0] - other) / m)
        aucs.append(positives[-1].mean())
    covariance = np.cov(positives) / m + np.cov(negatives) / n
    yield {
        "label": label.tolist(), "first": models[0].tolist(), "second": models[1].tolist(), "aucs": [float(a) for a in aucs],
        "variances": [float(covariance[0, 0]), float(covariance[1, 1])], "covariance": float(covariance[0, 1]),
        "variance_of_difference": float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]),
    }


def plain(value):
    """Without NumPy's types."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


def cases(cancer):
    return plain({
        "shares": list(shares()), "flips": list(flips()), "seeds": list(seeds()),
        "corrections": list(corrections()), "areas": list(areas(cancer)),
    })
