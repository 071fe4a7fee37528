"""The C ABI of libcepman through ctypes: finding the library, declaring what is called, failures as exceptions.

One context per Python thread, made when it is first needed, as a context serves one thread at a time.
"""
import ctypes
import ctypes.util
import os
import signal
import threading

SONAME = "libcepman.so.0"

c_int, c_size, c_double, c_char_p = ctypes.c_int, ctypes.c_size_t, ctypes.c_double, ctypes.c_char_p
handle = ctypes.c_void_p
out_handle = ctypes.POINTER(handle)

CANCEL = ctypes.CFUNCTYPE(c_int, handle)
PROGRESS = ctypes.CFUNCTYPE(None, handle, c_char_p, ctypes.c_uint64, ctypes.c_uint64)

class Error(RuntimeError):
    """A failure of the library: its sentence, and `status`, the number of cepman/status.h."""

    def __init__(self, sentence, status):
        super().__init__(sentence)
        self.status = status


def _open():
    named = os.environ.get("CEPMAN_LIBRARY")
    tried = [named] if named else [SONAME, ctypes.util.find_library("cepman")]
    for name in filter(None, tried):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise ImportError(f"libcepman was not found (tried {', '.join(filter(None, tried))}); install it, or set CEPMAN_LIBRARY to "
                      "the path of its shared library")


library = _open()

# name: (what it returns, arguments). "s" is a status and fails as an exception.
_OPTIONS = [f"cepman_{stage}_options_create" for stage in
            ("dataset", "simulate", "cepstrum", "pca", "neighbors", "umap", "kmeans", "hdbscan", "hdbscan_tree")]
_SIGNATURES = {
    "cepman_version": (c_char_p, []),
    "cepman_status_text": (c_char_p, [c_int]),
    "cepman_context_create": (c_int, [out_handle, handle]),
    "cepman_context_unref": (None, [handle]),
    "cepman_context_error": (c_char_p, [handle]),
    "cepman_context_set_threads": (c_int, [handle, ctypes.c_uint]),
    "cepman_context_set_memory_limit": (c_int, [handle, c_size]),
    "cepman_context_memory_used": (c_size, [handle]),
    "cepman_context_memory_peak": (c_size, [handle]),
    "cepman_context_set_cancel": (c_int, [handle, CANCEL, handle]),
    "cepman_context_set_progress": (c_int, [handle, PROGRESS, handle]),
    **{name: (c_int, [out_handle, handle]) for name in _OPTIONS},
    "cepman_options_unref": (None, [handle]),
    "cepman_options_parse": (c_int, [handle, handle, c_char_p, c_char_p]),
    "cepman_options_count": (c_size, [handle]),
    "cepman_options_name": (c_char_p, [handle, c_size]),
    "cepman_options_help": (c_char_p, [handle, c_size]),
    "cepman_options_type": (c_int, [handle, c_size]),
    "cepman_options_minimum": (c_double, [handle, c_size]),
    "cepman_options_maximum": (c_double, [handle, c_size]),
    "cepman_options_choices": (c_char_p, [handle, c_size]),
    "cepman_options_format": (c_size, [handle, c_size, c_char_p, c_size]),
    "cepman_matrix_wrap": (c_int, [out_handle, handle, handle, c_size, c_size, c_size, handle, handle]),
    "cepman_matrix_unref": (None, [handle]),
    "cepman_matrix_rows": (c_size, [handle]),
    "cepman_matrix_columns": (c_size, [handle]),
    "cepman_matrix_data": (handle, [handle, ctypes.POINTER(c_size)]),
    "cepman_matrix_ref": (handle, [handle]),
    "cepman_labels_copy": (c_int, [out_handle, handle, handle, c_size]),
    "cepman_labels_ref": (handle, [handle]),
    "cepman_labels_unref": (None, [handle]),
    "cepman_labels_count": (c_size, [handle]),
    "cepman_labels_data": (handle, [handle]),
    "cepman_dataset_open": (c_int, [out_handle, handle, c_char_p, handle]),
    "cepman_dataset_wrap": (c_int, [out_handle, handle, handle, c_int, c_size, c_size, c_size, c_size, handle, handle]),
    "cepman_dataset_view_masked": (c_int, [out_handle, handle, handle, handle]),
    "cepman_dataset_view_calibrated": (c_int, [out_handle, handle, handle, c_double, c_double]),
    "cepman_dataset_unref": (None, [handle]),
    **{f"cepman_dataset_{name}": (c_size, [handle]) for name in
       ("scan_rows", "scan_columns", "frames", "height", "width", "available")},
    "cepman_dataset_type": (c_int, [handle]),
    "cepman_dataset_has_scan": (c_int, [handle]),
    "cepman_dataset_scan_step": (c_double, [handle]),
    "cepman_dataset_reciprocal_pixel": (c_double, [handle]),
    "cepman_dataset_format": (c_char_p, [handle]),
    "cepman_dataset_read": (c_int, [handle, handle, c_size, c_size, handle, c_size]),
    "cepman_simulate": (c_int, [out_handle, out_handle, handle, handle]),
    "cepman_cepstrum_create": (c_int, [out_handle, handle, handle, handle]),
    "cepman_cepstrum_unref": (None, [handle]),
    "cepman_cepstrum_features": (c_size, [handle]),
    "cepman_cepstrum_coordinate": (c_int, [handle, c_size, ctypes.POINTER(c_int), ctypes.POINTER(c_int)]),
    "cepman_cepstrum_pixel": (c_double, [handle]),
    "cepman_cepstrum_run": (c_int, [out_handle, handle, handle, handle]),
    "cepman_cepstrum_dataset": (c_int, [out_handle, handle, handle, handle]),
    "cepman_pca_fit": (c_int, [out_handle, handle, handle, handle]),
    "cepman_pca_unref": (None, [handle]),
    "cepman_pca_components": (c_size, [handle]),
    "cepman_pca_features": (c_size, [handle]),
    "cepman_pca_mean": (handle, [handle]),
    "cepman_pca_component": (handle, [handle, c_size]),
    "cepman_pca_variance": (handle, [handle]),
    "cepman_pca_total_variance": (c_double, [handle]),
    "cepman_pca_apply": (c_int, [out_handle, handle, handle, handle]),
    "cepman_pca_invert": (c_int, [out_handle, handle, handle, handle]),
    "cepman_neighbors_build": (c_int, [out_handle, handle, handle, handle]),
    "cepman_neighbors_unref": (None, [handle]),
    "cepman_neighbors_ref": (handle, [handle]),
    "cepman_neighbors_count": (c_size, [handle]),
    "cepman_neighbors_k": (c_size, [handle]),
    "cepman_neighbors_indices": (handle, [handle]),
    "cepman_neighbors_distances": (handle, [handle]),
    "cepman_neighbors_method": (c_char_p, [handle]),
    "cepman_neighbors_recall": (c_double, [handle]),
    "cepman_umap_fit": (c_int, [out_handle, handle, handle, handle]),
    "cepman_umap_unref": (None, [handle]),
    "cepman_umap_embedding": (handle, [handle]),
    "cepman_kmeans_fit": (c_int, [out_handle, handle, handle, handle, handle, handle]),
    "cepman_kmeans_unref": (None, [handle]),
    "cepman_kmeans_labels": (handle, [handle]),
    "cepman_kmeans_centres": (handle, [handle]),
    "cepman_kmeans_inertia": (c_double, [handle]),
    "cepman_kmeans_iterations": (c_size, [handle]),
    "cepman_kmeans_apply": (c_int, [out_handle, handle, handle, handle]),
    "cepman_hdbscan_tree_build": (c_int, [out_handle, handle, handle, handle]),
    "cepman_hdbscan_tree_unref": (None, [handle]),
    "cepman_hdbscan_extract": (c_int, [out_handle, handle, handle, handle]),
    "cepman_hdbscan_unref": (None, [handle]),
    "cepman_hdbscan_labels": (handle, [handle]),
    "cepman_hdbscan_probabilities": (handle, [handle]),
    "cepman_hdbscan_outlier_scores": (handle, [handle]),
    "cepman_hdbscan_persistence": (handle, [handle]),
    **{f"cepman_validity_{name}": (c_int, [ctypes.POINTER(c_double), handle, handle, handle]) for name in
       ("accuracy", "ari", "ami", "simplified_silhouette", "calinski_harabasz", "davies_bouldin")},
    "cepman_validity_silhouette": (c_int, [ctypes.POINTER(c_double), handle, handle, handle, handle, c_size,
                                           ctypes.c_uint64]),
    "cepman_maps_virtual": (c_int, [handle, handle, handle, c_double, c_double, c_double, c_double]),
    "cepman_maps_cluster_means": (c_int, [out_handle, handle, handle, handle]),
}
for _name, (_result, _arguments) in _SIGNATURES.items():
    _function = getattr(library, _name)
    _function.restype, _function.argtypes = _result, _arguments


class Handle:
    """One reference to a handle of the library; `keep` holds the arrays it borrows."""

    __slots__ = ("_as_parameter_", "kind", "keep", "__weakref__")

    def __init__(self, kind, pointer, keep=None):
        self.kind, self.keep = kind, keep
        self._as_parameter_ = pointer if isinstance(pointer, handle) else handle(pointer)

    def __del__(self):
        if library is not None:
            getattr(library, f"cepman_{self.kind}_unref")(self._as_parameter_)


class Context(threading.local):
    """The calling thread's context, and what its callbacks have to say."""

    def __init__(self):
        self._thrown = None
        self._progress = None
        made = handle()
        status = library.cepman_context_create(ctypes.byref(made), None)
        if status:
            raise Error(library.cepman_status_text(status).decode(), status)
        self.pointer = Handle("context", made)
        # Kept: the library calls them for as long as the context lives.
        self._poll = CANCEL(self._on_poll)
        self._report = PROGRESS(self._on_progress)
        self.call(library.cepman_context_set_cancel, self.pointer, self._poll, None)
        self.call(library.cepman_context_set_threads, self.pointer, 0)

    def _on_poll(self, _):
        return self._thrown is not None

    def _on_progress(self, _, stage, done, total):
        try:
            self._progress(stage.decode(), done, total)
        except BaseException as exception:
            self._thrown = exception

    def _on_signal(self, number, frame):
        # An exception raised here would be lost between Python and C: the next poll ends the call instead.
        self._thrown = KeyboardInterrupt()

    def set_progress(self, function):
        self.call(library.cepman_context_set_progress, self.pointer, self._report if function else PROGRESS(), None)
        self._progress = function

    def call(self, function, *arguments):
        """Calls a function that returns a status; Ctrl-C stops it; a failure is an exception."""
        mine = (threading.current_thread() is threading.main_thread() and
                signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        if mine:
            signal.signal(signal.SIGINT, self._on_signal)
        try:
            status = function(*arguments)
        finally:
            if mine:
                signal.signal(signal.SIGINT, signal.default_int_handler)
        thrown, self._thrown = self._thrown, None
        if thrown is not None:
            raise thrown
        if status:
            sentence = library.cepman_context_error(self.pointer).decode(errors="replace")
            raise Error(sentence or library.cepman_status_text(status).decode(), status)

    def make(self, name, *arguments):
        """Calls cepman_NAME(&out, context, ...) and owns what it makes."""
        out = handle()
        try:
            self.call(getattr(library, "cepman_" + name), ctypes.byref(out), self.pointer, *arguments)
        finally:
            made = Handle(KINDS[name], out) if out else None
        return made


KINDS = {
    **{name[len("cepman_"):]: "options" for name in _OPTIONS},
    "matrix_wrap": "matrix", "labels_copy": "labels", "dataset_open": "dataset", "dataset_wrap": "dataset",
    "dataset_view_masked": "dataset", "dataset_view_calibrated": "dataset", "cepstrum_create": "cepstrum",
    "cepstrum_run": "matrix", "cepstrum_dataset": "dataset", "pca_fit": "pca", "pca_apply": "matrix", "pca_invert": "matrix",
    "neighbors_build": "neighbors", "umap_fit": "umap", "kmeans_fit": "kmeans", "kmeans_apply": "labels",
    "hdbscan_tree_build": "hdbscan_tree", "hdbscan_extract": "hdbscan", "maps_cluster_means": "matrix",
}

context = Context()
