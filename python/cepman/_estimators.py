"""Estimators in the manner of scikit-learn over the stages of the library."""
import ctypes

import numpy as np

from . import _arrays as arrays
from ._library import context, library


class _Estimator:
    """Parameters are options of the stages `_kinds`; the first that has a name takes it."""

    _kinds = ()

    def __init__(self, **parameters):
        self._parameters = {}
        self.set_params(**parameters)

    def __init_subclass__(cls):
        # The tables are the library's, so the lists of parameters are, too.
        cls._tables = {kind: arrays.table(kind) for kind in cls._kinds}
        lines = ["", "", "Parameters (default):"]
        for kind in cls._kinds:
            lines += [f"  {name} ({default}): {words}" for name, (default, words) in cls._tables[kind].items()]
        cls.__doc__ = (cls.__doc__ or "") + "\n".join(lines)

    def _kind_of(self, name):
        for kind, rows in self._tables.items():
            if name in rows:
                return kind
        known = ", ".join(name for rows in self._tables.values() for name in rows)
        raise TypeError(f"{type(self).__name__} has no parameter {name!r}; it has {known}")

    def set_params(self, **parameters):
        for name, value in parameters.items():
            arrays.options(self._kind_of(name), {name: value})  # bounds are checked now, not in fit
        self._parameters.update(parameters)
        return self

    def get_params(self, deep=True):
        return dict(self._parameters)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._parameters.items())})"

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_model")

    def _options(self, kind):
        return arrays.options(kind, {n: v for n, v in self._parameters.items() if self._kind_of(n) == kind})

    def _fitted(self):
        if not hasattr(self, "_model"):
            raise ValueError(f"this {type(self).__name__} is not fitted yet")
        return self._model


class Cepstrum(_Estimator):
    """The exit-wave power cepstrum's ring of every frame of a Dataset (or array of frames), as rows of features."""

    _kinds = ("cepstrum",)

    @staticmethod
    def _scan(frames):
        return frames if isinstance(frames, arrays.Dataset) else arrays.wrap(frames)

    def fit(self, frames, y=None):
        scan = self._scan(frames)
        self._model = context.make("cepstrum_create", scan._handle, self._options("cepstrum"))
        self.n_features_out_ = library.cepman_cepstrum_features(self._model)
        place = (ctypes.c_int * 2)()
        at = ctypes.POINTER(ctypes.c_int)
        self.coordinates_ = np.empty((self.n_features_out_, 2), np.int32)
        for i in range(self.n_features_out_):
            context.call(library.cepman_cepstrum_coordinate, self._model, i, at(ctypes.c_int.from_buffer(place, 0)),
                         at(ctypes.c_int.from_buffer(place, ctypes.sizeof(ctypes.c_int))))
            self.coordinates_[i] = place[0], place[1]
        self.pixel_ = library.cepman_cepstrum_pixel(self._model)
        return self

    def transform(self, frames):
        return arrays.array(context.make("cepstrum_run", self._fitted(), self._scan(frames)._handle))

    def fit_transform(self, frames, y=None):
        return self.fit(frames).transform(frames)

    def images(self, frames):
        """Whole cepstra, as a Dataset whose frames are computed when read."""
        scan = self._scan(frames)
        made = arrays.Dataset(context.make("cepstrum_dataset", self._fitted(), scan._handle))
        made._handle.keep = scan  # frames in memory are borrowed
        return made


class PCA(_Estimator):
    """Principal components."""

    _kinds = ("pca",)

    def fit(self, X, y=None):
        self._model = model = context.make("pca_fit", arrays.matrix(X), self._options("pca"))
        count, columns = library.cepman_pca_components(model), library.cepman_pca_features(model)
        self.n_components_, self.n_features_in_ = count, columns
        self.mean_ = arrays.view(model, library.cepman_pca_mean(model), (columns,), np.float64)
        self.components_ = np.array([arrays.view(model, library.cepman_pca_component(model, i), (columns,), np.float64)
                                     for i in range(count)]).reshape(count, columns)
        self.explained_variance_ = arrays.view(model, library.cepman_pca_variance(model), (count,), np.float64)
        self.explained_variance_ratio_ = self.explained_variance_ / library.cepman_pca_total_variance(model)
        return self

    def transform(self, X):
        return arrays.array(context.make("pca_apply", self._fitted(), arrays.matrix(X)))

    def inverse_transform(self, X):
        return arrays.array(context.make("pca_invert", self._fitted(), arrays.matrix(X)))

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


class NearestNeighbors(_Estimator):
    """k nearest neighbours of every row among the others; k, metric, method, recall as parameters."""

    _kinds = ("neighbors",)

    def fit(self, X, y=None):
        self._model = model = context.make("neighbors_build", arrays.matrix(X), self._options("neighbors"))
        shape = library.cepman_neighbors_count(model), library.cepman_neighbors_k(model)
        self.indices_ = arrays.view(model, library.cepman_neighbors_indices(model), shape, np.int32)
        self.distances_ = arrays.view(model, library.cepman_neighbors_distances(model), shape, np.float32)
        self.method_ = library.cepman_neighbors_method(model).decode()
        self.recall_ = library.cepman_neighbors_recall(model)
        return self

    def kneighbors(self):
        """(distances, indices) of the rows that were given to fit."""
        self._fitted()
        return self.distances_, self.indices_


class UMAP(_Estimator):
    """Uniform manifold approximation and projection."""

    _kinds = ("umap",)

    def fit(self, X, y=None):
        data = arrays.matrix(X)
        self._model = context.make("umap_fit", data, self._options("umap"))
        self._model.keep = data
        self.embedding_ = arrays.array(arrays.shared("matrix", library.cepman_umap_embedding(self._model)))
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X).embedding_


class KMeans(_Estimator):
    """K-means. `init` of fit: centres to start from."""

    _kinds = ("kmeans",)

    def fit(self, X, y=None, sample_weight=None, init=None):
        data = arrays.matrix(X)
        weights = None
        if sample_weight is not None:
            weights = np.ascontiguousarray(sample_weight, np.float64)
            if weights.shape != (len(X),):
                raise ValueError(f"sample_weight has shape {weights.shape}, expected ({len(X)},)")
        self._model = context.make("kmeans_fit", data, None if init is None else arrays.matrix(init),
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


class HDBSCAN(_Estimator):
    """HDBSCAN; -1 is noise. `extract` takes other clusters from the tree of the last fit, without building it again."""

    _kinds = ("hdbscan", "hdbscan_tree")

    def fit(self, X, y=None):
        values = dict(self._parameters)
        # As the reference has it: min_samples is min_cluster_size unless it is given.
        tree = {n: values[n] for n in values if self._kind_of(n) == "hdbscan_tree"}
        if "min_samples" not in tree and "min_cluster_size" in values:
            tree["min_samples"] = values["min_cluster_size"]
        self._tree = context.make("hdbscan_tree_build", arrays.matrix(X), arrays.options("hdbscan_tree", tree))
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

    def fit_predict(self, X, y=None):
        return self.fit(X).labels_
