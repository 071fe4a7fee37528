"""How good a clustering is: against a truth (points whose truth is below 0 are left out), and by itself (noise is)."""
import ctypes

import numpy as np

from . import _arrays as arrays
from ._library import context, library


def _value(name, *arguments):
    value = ctypes.c_double()
    context.call(getattr(library, "cepman_validity_" + name), ctypes.byref(value), *arguments)
    return value.value


def accuracy_score(truth, found):
    """Fraction of points whose cluster is matched, one to one, to their class; noise counts as wrong."""
    return _value("accuracy", context.pointer, arrays.labels(found), arrays.labels(truth))


def adjusted_rand_score(truth, found):
    return _value("ari", context.pointer, arrays.labels(found), arrays.labels(truth))


def adjusted_mutual_info_score(truth, found):
    return _value("ami", context.pointer, arrays.labels(found), arrays.labels(truth))


def silhouette_score(X, found, sample=0, seed=42):
    """Mean silhouette; sample: 0 for all points, else so many drawn by seed."""
    return _value("silhouette", None, context.pointer, arrays.matrix(X), arrays.labels(found), sample, seed)


def simplified_silhouette_score(X, found):
    return _value("simplified_silhouette", context.pointer, arrays.matrix(X), arrays.labels(found))


def calinski_harabasz_score(X, found):
    return _value("calinski_harabasz", context.pointer, arrays.matrix(X), arrays.labels(found))


def davies_bouldin_score(X, found):
    return _value("davies_bouldin", context.pointer, arrays.matrix(X), arrays.labels(found))


def inertia_score(X, found):
    """Sum of squared distances to the clusters' means."""
    return _value("inertia", context.pointer, arrays.matrix(X), arrays.labels(found))


def dbcv_score(X, found):
    """Density-based clustering validation, -1 to 1; noise counts against."""
    return _value("dbcv", None, context.pointer, arrays.matrix(X), arrays.labels(found))


def gap_score(X, found, references=4, seed=42):
    """(gap, its deviation): the gap statistic against uniform references."""
    deviation = ctypes.c_double()
    gap = _value("gap", ctypes.byref(deviation), context.pointer, arrays.matrix(X), arrays.labels(found), references, seed)
    return gap, deviation.value


def agreement_score(labellings):
    """Mean adjusted Rand index of all pairs of labellings."""
    each = [arrays.labels(one) for one in labellings]
    lent = (ctypes.c_void_p * len(each))(*(one._as_parameter_.value for one in each))
    return _value("agreement", context.pointer, lent, len(each))


def stability_score(X, runs=10, fraction=0.8, **parameters):
    """How much K-means fits of parts of the rows agree; parameters: those of KMeans."""
    return _value("stability", context.pointer, arrays.matrix(X), arrays.options("kmeans", parameters), runs, fraction)


def consensus(fine, coarse, features, **parameters):
    """One map from two clusterings of a scan (rows, columns): islands joined, walls told from clusters."""
    scan_shape = np.shape(fine)
    if len(scan_shape) != 2:
        raise ValueError(f"fine has shape {scan_shape}, expected (rows, columns) of the scan")
    made = context.make("consensus_merge", arrays.labels(fine), arrays.labels(coarse), arrays.matrix(features), *scan_shape,
                        arrays.options("consensus", parameters))
    return arrays.labels_array(made).reshape(scan_shape)


def sharpen(scores, pca, scan_shape=(0, 0), **parameters):
    """Features in which tilts count less than domains, from the scores of a fitted PCA of cepstra; (0, 0): no scan."""
    return arrays.array(context.make("domains_sharpen", arrays.matrix(scores), pca._fitted(), *scan_shape,
                                     arrays.options("domains", parameters)))


def domains(features, scan_shape, **parameters):
    """Labels (scan_shape) of a scan's domains from sharpened features of its points; -1 is noise."""
    made = context.make("domains_find", arrays.matrix(features), *scan_shape, arrays.options("domains", parameters))
    return arrays.labels_array(made).reshape(scan_shape)
