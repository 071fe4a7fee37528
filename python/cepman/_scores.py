"""How good a clustering is: against a truth (points whose truth is below 0 are left out), and by itself (noise is)."""
import ctypes

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
