"""libcepman in Python: structure in nanobeam 4D-STEM scans by manifold learning in cepstrum space.

NumPy arrays in and out. Estimators follow scikit-learn: parameters in the constructor, results in attributes that end with an
underscore, fit / fit_predict / fit_transform / transform / predict. Parameters are the library's options, `_` for `-`.
"""
from ._arrays import Dataset, open, simulate, wrap
from ._clusterers import HDBSCAN, GaussianMixture, KMeans, MiniBatchKMeans
from ._estimators import PCA, UMAP, VAE, Cepstrum, NearestNeighbors
from ._library import Error, context, library
from ._rounds import Hierarchy
from ._scores import (accuracy_score, adjusted_mutual_info_score, adjusted_rand_score, agreement_score, calinski_harabasz_score,
                      consensus, davies_bouldin_score, dbcv_score, domains, gap_score, inertia_score, sharpen, silhouette_score,
                      simplified_silhouette_score, stability_score)

__all__ = ["Cepstrum", "Dataset", "Error", "GaussianMixture", "HDBSCAN", "Hierarchy", "KMeans", "MiniBatchKMeans",
           "NearestNeighbors", "PCA", "UMAP", "VAE", "accuracy_score", "adjusted_mutual_info_score", "adjusted_rand_score",
           "agreement_score", "calinski_harabasz_score", "consensus", "davies_bouldin_score", "dbcv_score", "domains",
           "gap_score", "inertia_score", "library_version", "open", "set_memory_limit", "set_progress", "set_threads",
           "sharpen", "silhouette_score", "simplified_silhouette_score", "simulate", "stability_score", "wrap"]
__version__ = "1.0.0"


def library_version():
    """The version of the C library that is loaded."""
    return library.cepman_version().decode()


def set_threads(count):
    """Threads of the calls made on this Python thread; 0 (default): the CPUs this process may use."""
    context.call(library.cepman_context_set_threads, context.pointer, count)


def set_memory_limit(size):
    """Most bytes the library may hold for this Python thread's calls and their results; 0 (default): no limit."""
    context.call(library.cepman_context_set_memory_limit, context.pointer, size)


def set_progress(function):
    """function(stage, done, total) is called a few times a second while this thread's calls run; None: no more."""
    context.set_progress(function)
