"""Clusterers in the manner of scikit-learn."""
import ctypes

import numpy as np

from . import _arrays as arrays
from ._estimators import Estimator
from ._library import Handle, context, handle, library


def _weights(given, count):
    if given is None:
        return None
    weights = np.ascontiguousarray(given, np.float64)
    if weights.shape != (count,):
        raise ValueError(f"sample_weight has shape {weights.shape}, expected ({count},)")
    return weights


class KMeans(Estimator):
    """K-means. `init` of fit: centres to start from."""

    _kinds = ("kmeans",)

    def fit(self, X, y=None, sample_weight=None, init=None):
        weights = _weights(sample_weight, len(X))
        self._model = context.make("kmeans_fit", arrays.matrix(X), None if init is None else arrays.matrix(init),
                                   None if weights is None else weights.ctypes.data, self._options("kmeans"))
        self.labels_ = arrays.labels_array(arrays.shared("labels", library.cepman_kmeans_labels(self._model)))
        self.cluster_centers_ = arrays.array(arrays.shared("matrix", library.cepman_kmeans_centres(self._model)))
        self.inertia_ = library.cepman_kmeans_inertia(self._model)
        self.n_iter_ = library.cepman_kmeans_iterations(self._model)
        return self

    def fit_predict(self, X, y=None, **more):
        return self.fit(X, **more).labels_

    def predict(self, X):
        return arrays.labels_array(context.make("kmeans_apply", self._fitted(), arrays.matrix(X)))


class MiniBatchKMeans(Estimator):
    """K-means of rows that come in blocks and are not kept: `partial_fit` takes the next ones."""

    _kinds = ("kmeans_stream",)

    def partial_fit(self, X, y=None, sample_weight=None):
        rows = arrays.matrix(X)
        weights = _weights(sample_weight, len(X))
        if not hasattr(self, "_stream"):
            self._stream = context.make("kmeans_stream_create", library.cepman_matrix_columns(rows), None,
                                        self._options("kmeans_stream"))
        self.__dict__.pop("_model", None)
        context.call(library.cepman_kmeans_stream_add, self._stream, context.pointer, rows,
                     None if weights is None else weights.ctypes.data)
        return self

    def fit(self, X, y=None, sample_weight=None):
        self.__dict__.pop("_stream", None)
        return self.partial_fit(X, sample_weight=sample_weight)

    def _fitted(self):
        if not hasattr(self, "_stream"):
            raise ValueError("this MiniBatchKMeans is not fitted yet")
        if not hasattr(self, "_model"):
            self._model = context.make("kmeans_stream_model", self._stream)
        return self._model

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_stream")

    @property
    def cluster_centers_(self):
        return arrays.array(arrays.shared("matrix", library.cepman_kmeans_centres(self._fitted())))

    def predict(self, X):
        return arrays.labels_array(context.make("kmeans_apply", self._fitted(), arrays.matrix(X)))

    def fit_predict(self, X, y=None, **more):
        return self.fit(X, **more).predict(X)


class GaussianMixture(Estimator):
    """A mixture of Gaussians. `start` of fit: labels to start from (-1: of no component)."""

    _kinds = ("mixture",)

    def fit(self, X, y=None, start=None):
        self._model = model = context.make("mixture_fit", arrays.matrix(X), None if start is None else arrays.labels(start),
                                           self._options("mixture"))
        k, d = library.cepman_mixture_components(model), library.cepman_mixture_columns(model)

        def numbers(name, *shape):
            return arrays.view(model, getattr(library, "cepman_mixture_" + name)(model), shape, np.float64)

        self.labels_ = arrays.labels_array(arrays.shared("labels", library.cepman_mixture_labels(model)))
        self.weights_, self.means_ = numbers("weights", k), numbers("means", k, d)
        self.covariances_ = numbers("covariances", *((k, d) if library.cepman_mixture_diagonal(model) else (k, d, d)))
        self.responsibilities_ = numbers("responsibilities", len(self.labels_), k)
        self.n_iter_ = library.cepman_mixture_iterations(model)
        self.lower_bound_ = library.cepman_mixture_log_likelihood(model)
        self.converged_ = bool(library.cepman_mixture_converged(model))
        self.bic_, self.aic_ = library.cepman_mixture_bic(model), library.cepman_mixture_aic(model)
        return self

    def _apply(self, X):
        rows = arrays.matrix(X)
        n = library.cepman_matrix_rows(rows)
        shares, densities = np.empty((n, len(self._fitted_weights()))), np.empty(n)
        out = handle()
        context.call(library.cepman_mixture_apply, ctypes.byref(out), shares.ctypes.data, densities.ctypes.data, context.pointer,
                     self._model, rows)
        return arrays.labels_array(Handle("labels", out)), shares, densities

    def _fitted_weights(self):
        self._fitted()
        return self.weights_

    def fit_predict(self, X, y=None, **more):
        return self.fit(X, **more).labels_

    def predict(self, X):
        return self._apply(X)[0]

    def predict_proba(self, X):
        return self._apply(X)[1]

    def score_samples(self, X):
        """The log density of each row."""
        return self._apply(X)[2]


class HDBSCAN(Estimator):
    """HDBSCAN; -1 is noise. `extract` takes other clusters from the tree of the last fit, without building it again."""

    _kinds = ("hdbscan", "hdbscan_tree")

    def fit(self, X, y=None, distances=None, graph=None):
        """X, or all distances of n points (n, n), or a fitted NearestNeighbors: what the tree is built from."""
        if (X is not None) + (distances is not None) + (graph is not None) != 1:
            raise ValueError("fit takes rows, distances or a graph")
        values = dict(self._parameters)
        # As the reference has it: min_samples is min_cluster_size unless it is given.
        tree = {n: values[n] for n in values if self._kind_of(n) == "hdbscan_tree"}
        if "min_samples" not in tree and "min_cluster_size" in values:
            tree["min_samples"] = values["min_cluster_size"]
        how = arrays.options("hdbscan_tree", tree)
        self._rows = None
        if distances is not None:
            pairs = np.ascontiguousarray(distances, np.float64)
            if pairs.ndim != 2 or pairs.shape[0] != pairs.shape[1]:
                raise ValueError(f"distances have shape {pairs.shape}, expected (n, n)")
            self._tree = context.make("hdbscan_tree_build_distances", pairs.ctypes.data, len(pairs), len(pairs), how)
        elif graph is not None:
            self._tree = context.make("hdbscan_tree_build_neighbors", graph._fitted(), how)
        else:
            self._rows = arrays.matrix(X)
            self._tree = context.make("hdbscan_tree_build", self._rows, how)
        return self.extract()

    def extract(self, **parameters):
        for name in parameters:
            if self._kind_of(name) != "hdbscan":
                raise TypeError(f"{name} belongs to the tree: fit again")
        self.set_params(**parameters)
        if not hasattr(self, "_tree"):
            raise ValueError("this HDBSCAN is not fitted yet")
        self._model = model = context.make("hdbscan_extract", self._tree, self._options("hdbscan"))
        self.labels_ = arrays.labels_array(arrays.shared("labels", library.cepman_hdbscan_labels(model)))
        count, clusters = len(self.labels_), int(self.labels_.max(initial=-1)) + 1
        self.probabilities_ = arrays.view(model, library.cepman_hdbscan_probabilities(model), (count,), np.float64)
        self.outlier_scores_ = arrays.view(model, library.cepman_hdbscan_outlier_scores(model), (count,), np.float64)
        self.cluster_persistence_ = arrays.view(model, library.cepman_hdbscan_persistence(model), (clusters,), np.float64)
        return self

    def fit_predict(self, X, y=None, **more):
        return self.fit(X, **more).labels_

    def _of_rows(self):
        self._fitted()
        if self._rows is None:
            raise ValueError("new rows need a fit of rows")
        return self._rows

    def predict(self, X, probabilities=False):
        """Labels of new rows under the clustering as it is; with their probabilities, where these are asked for."""
        fitted, rows = self._of_rows(), arrays.matrix(X)
        each = np.empty(library.cepman_matrix_rows(rows))
        out = handle()
        context.call(library.cepman_hdbscan_apply, ctypes.byref(out), each.ctypes.data, context.pointer, self._model, fitted, rows)
        found = arrays.labels_array(Handle("labels", out))
        return (found, each) if probabilities else found

    def membership(self, X=None):
        """Soft memberships (rows, clusters): of new rows, or of those of the fit."""
        fitted = self._of_rows()
        rows = None if X is None else arrays.matrix(X)
        shape = library.cepman_matrix_rows(fitted if rows is None else rows), len(self.cluster_persistence_)
        out = np.empty(shape)
        context.call(library.cepman_hdbscan_membership, out.ctypes.data, context.pointer, self._model, fitted, rows)
        return out

    @property
    def exemplars_(self):
        """Which rows are exemplars of their cluster."""
        model = self._fitted()
        return arrays.view(model, library.cepman_hdbscan_exemplars(model), (len(self.labels_),), np.uint8).astype(bool)

    @property
    def single_linkage_(self):
        """The tree as SciPy's linkage has it: (n - 1, 4)."""
        self._fitted()
        table = np.empty((library.cepman_hdbscan_tree_edges(self._tree), 4))
        context.call(library.cepman_hdbscan_tree_linkage, self._tree, context.pointer, table.ctypes.data)
        return table

    def cut(self, distance, min_cluster_size=1):
        """DBSCAN*'s labels at one distance."""
        self._fitted()
        return arrays.labels_array(context.make("hdbscan_tree_cut", self._tree, distance, min_cluster_size))

    def relative_validity(self, labelled=None):
        """DBCV read off the tree, of this clustering or of other labels."""
        self._fitted()
        value = ctypes.c_double()
        found = arrays.labels(self.labels_ if labelled is None else labelled)
        context.call(library.cepman_hdbscan_relative_validity, ctypes.byref(value), context.pointer, self._tree, found)
        return value.value
