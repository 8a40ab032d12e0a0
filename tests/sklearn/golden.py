"""Prints the expected numbers that unit tests of the plugins hold, so that anyone can make them again."""

import numpy
import scipy.spatial.distance
import scipy.stats
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge


def logistic():
    # plugins/logistic-train/src/newton.rs
    features = numpy.array(
        [0.5, 1.0, -1.5, 2.0, 1.5, -0.5, -0.3, -1.2, 2.2, 0.1, -1.1, 0.4, 0.9, 1.7, -0.7, -0.6]
    ).reshape(8, 2)
    label = [1, 0, 1, 0, 1, 0, 1, 0]
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(features, label)
    print("logistic", [*map(float, model.coef_[0]), float(model.intercept_[0])])


def linear():
    # plugins/linear-train/src/ridge.rs
    features = numpy.array([1.0, 2.0, 2.0, 0.5, 3.0, 4.0, 4.0, -1.0, 5.0, 2.5]).reshape(5, 2)
    target = [3.0, 1.0, 7.5, 0.0, 6.0]
    for name, model in (("ridge", Ridge(alpha=1.0, solver="cholesky")), ("ols", LinearRegression())):
        model.fit(features, target)
        print(name, [*map(float, model.coef_), float(model.intercept_)])


def drift():
    # plugins/drift-check/src/: the same small samples as in the tests there.
    reference = numpy.arange(1.0, 101.0)
    data = numpy.arange(21.0, 111.0)
    result = scipy.stats.ks_2samp(reference, data)
    size = len(reference) * len(data) / (len(reference) + len(data))
    print("ks", float(result.statistic), float(scipy.stats.kstwobign.sf(size**0.5 * result.statistic)))
    inner = numpy.quantile(reference, numpy.arange(1, 10) / 10)
    left = numpy.bincount(numpy.searchsorted(inner, reference), minlength=10) / len(reference)
    right = numpy.bincount(numpy.searchsorted(inner, data), minlength=10) / len(data)
    floored_left, floored_right = numpy.maximum(left, 1e-4), numpy.maximum(right, 1e-4)
    print("psi", float(((floored_right - floored_left) * numpy.log(floored_right / floored_left)).sum()))
    print("js", float(scipy.spatial.distance.jensenshannon(left, right, base=2)))
    table = numpy.array([[50, 30, 20], [20, 30, 30]])
    chi = scipy.stats.chi2_contingency(table, correction=False)
    print("chi-square", float(chi.statistic), chi.dof, float(chi.pvalue))
    print("cramers v", float(scipy.stats.contingency.association(table, method="cramer")))


if __name__ == "__main__":
    logistic()
    linear()
    drift()
