"""Estimators in the manner of scikit-learn over the stages of the library."""
import ctypes
import os

import numpy as np

from . import _arrays as arrays
from ._library import context, library


class Estimator:
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


class Cepstrum(Estimator):
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

    def transform_file(self, frames, path):
        """The same, straight into a .npy file, for features beyond memory."""
        context.call(library.cepman_cepstrum_run_file, self._fitted(), context.pointer, self._scan(frames)._handle,
                     os.fsencode(path))

    def images(self, frames):
        """Whole cepstra, as a Dataset whose frames are computed when read."""
        scan = self._scan(frames)
        made = arrays.Dataset(context.make("cepstrum_dataset", self._fitted(), scan._handle))
        made._handle.keep = scan  # frames in memory are borrowed
        return made


class PCA(Estimator):
    """Principal components."""

    _kinds = ("pca",)

    def fit(self, X, y=None):
        return self._take(context.make("pca_fit", arrays.matrix(X), self._options("pca")))

    def _take(self, model):
        self._model = model
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

    def partial_fit(self, X, y=None):
        """Takes the next rows, which need not be kept; `finish` makes the components of all of them."""
        rows = arrays.rows(X)
        if not hasattr(self, "_sums"):
            self._sums, self.n_features_in_ = context.make("pca_accumulator_create", rows.shape[1]), rows.shape[1]
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(f"rows of {rows.shape[1]} features after rows of {self.n_features_in_}")
        sums = self.__dict__.pop("_sums")  # of no use after a failure
        context.call(library.cepman_pca_accumulator_add, sums, context.pointer, rows.ctypes.data, *rows.shape, rows.shape[1])
        self._sums = sums
        return self

    def finish(self):
        if not hasattr(self, "_sums"):
            raise ValueError("finish comes after partial_fit")
        sums = self.__dict__.pop("_sums")
        return self._take(context.make("pca_accumulator_finish", sums, self._options("pca")))


class VAE(Estimator):
    """A variational auto-encoder; the embedding is the latent means."""

    _kinds = ("vae",)

    def fit(self, X, y=None):
        self._model = model = context.make("vae_fit", arrays.matrix(X), self._options("vae"))
        passes = library.cepman_vae_epochs(model),
        self.embedding_ = arrays.array(arrays.shared("matrix", library.cepman_vae_embedding(model)))
        self.reconstruction_ = arrays.view(model, library.cepman_vae_reconstruction(model), passes, np.float64)
        self.divergence_ = arrays.view(model, library.cepman_vae_divergence(model), passes, np.float64)
        self.n_features_in_ = library.cepman_vae_features(model)
        return self

    def fit_transform(self, X, y=None):
        return self.fit(X).embedding_

    def transform(self, X):
        return arrays.array(context.make("vae_apply", self._fitted(), arrays.matrix(X)))

    def inverse_transform(self, X):
        return arrays.array(context.make("vae_decode", self._fitted(), arrays.matrix(X)))


class NearestNeighbors(Estimator):
    """k nearest neighbours of every row among the others; k, metric, method, recall as parameters."""

    _kinds = ("neighbors",)

    def fit(self, X, y=None):
        self._rows = arrays.matrix(X)
        self.__dict__.pop("_index", None)
        self._model = model = context.make("neighbors_build", self._rows, self._options("neighbors"))
        shape = library.cepman_neighbors_count(model), library.cepman_neighbors_k(model)
        self.indices_ = arrays.view(model, library.cepman_neighbors_indices(model), shape, np.int32)
        self.distances_ = arrays.view(model, library.cepman_neighbors_distances(model), shape, np.float32)
        self.method_ = library.cepman_neighbors_method(model).decode()
        self.recall_ = library.cepman_neighbors_recall(model)
        return self

    def kneighbors(self, X=None):
        """(distances, indices): of the rows that were given to fit among the others, or of new rows among those of fit."""
        self._fitted()
        if X is None:
            return self.distances_, self.indices_
        if not hasattr(self, "_index"):
            self._index = context.make("neighbors_index_create", self._rows, self._options("neighbors"))
        asked = arrays.matrix(X)
        shape = library.cepman_matrix_rows(asked), library.cepman_neighbors_index_k(self._index)
        distances, indices = np.empty(shape, np.float32), np.empty(shape, np.int32)
        context.call(library.cepman_neighbors_index_query, self._index, context.pointer, asked, indices.ctypes.data,
                     distances.ctypes.data)
        return distances, indices


class UMAP(Estimator):
    """Uniform manifold approximation and projection. `fit` takes labels (y, -1: unknown) that the embedding shall keep apart, a
    fitted NearestNeighbors as `graph`, and rows to start from as `init`."""

    _kinds = ("umap",)

    def fit(self, X, y=None, graph=None, init=None):
        data = None if X is None else arrays.matrix(X)
        return self._take(context.make("umap_fit_given", data, None if graph is None else graph._fitted(),
                                       None if y is None else arrays.labels(y), None if init is None else arrays.matrix(init),
                                       self._options("umap")), data)

    def _take(self, model, data=None):
        self._model = model
        self._model.keep = data
        self.embedding_ = arrays.array(arrays.shared("matrix", library.cepman_umap_embedding(model)))
        return self

    def fit_transform(self, X, y=None, **more):
        return self.fit(X, y, **more).embedding_

    def transform(self, X):
        """Places new rows in the fitted manifold, which stays as it is."""
        return arrays.array(context.make("umap_apply", self._fitted(), arrays.matrix(X)))

    @property
    def graph_(self):
        """The fuzzy graph: (starts, columns, weights) of compressed rows."""
        model = self._fitted()
        starts = arrays.view(model, library.cepman_umap_graph_starts(model), (len(self.embedding_) + 1,), np.uintp)
        edges = int(starts[-1]),
        return (starts, arrays.view(model, library.cepman_umap_graph_columns(model), edges, np.int32),
                arrays.view(model, library.cepman_umap_graph_weights(model), edges, np.float32))

    def save(self, path):
        context.call(library.cepman_umap_save, self._fitted(), context.pointer, os.fsencode(path))

    @classmethod
    def load(cls, path):
        return cls()._take(context.make("umap_load", os.fsencode(path)))
