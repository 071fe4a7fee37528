#!/usr/bin/env python3
"""Nearest neighbours beside other programs, in one run and on the same rows: time, memory, recall.

usage: peers_neighbors.py LIBCEPMAN.so [--rows N] [--columns D] [--data X.npy] [--k 15] [--threads 2] [--turns 3]
                          [--cpu LEVEL] [--only NAME,NAME] [--json FILE] [--exact-rows N]

Peers are those whose Python modules are there: pynndescent (seen with 0.5.13 and 0.7.0), faiss (faiss-cpu 1.15.1),
hnswlib (0.8.0), sklearn (scikit-learn 1.9.1); others are named and left out. Each runs once unmeasured where it compiles,
then in turns; the best of the turns counts. Recall is against the exact search on 500 rows, by distance, so that ties
count. --exact-rows: exact searches are left out beyond so many rows (default 20000).
"""
import argparse
import ctypes
import json
import os
import sys
import time


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("library")
    p.add_argument("--rows", type=int, default=20000)
    p.add_argument("--columns", type=int, default=1500)
    p.add_argument("--data")
    p.add_argument("--k", type=int, default=15)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--cpu", default="auto")
    p.add_argument("--only", default="")
    p.add_argument("--json")
    p.add_argument("--exact-rows", type=int, default=20000)
    return p.parse_args()


OPTIONS = arguments()
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(OPTIONS.threads)
import numpy as np  # noqa: E402  (after the numbers of threads)


def make_rows(n, d, seed=1):
    """Patterns of peaks on half a plane that move, turn and grow with a few hidden numbers; ten kinds, with noise."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(2 * d / np.pi))) + 2
    v, u = np.mgrid[0:side + 1, -side:side + 1]
    radius = np.hypot(u, v).ravel()
    order = np.argsort(radius, kind="stable")[:d]
    u, v, radius = u.ravel()[order].astype(np.float32), v.ravel()[order].astype(np.float32), radius[order]
    x = np.empty((n, d), np.float32)
    kind = rng.integers(0, 10, n)
    for k in range(10):
        of = np.random.default_rng([seed, k])
        rows = np.flatnonzero(kind == k)
        hidden = of.uniform(-1, 1, (len(rows), 5))
        peaks = of.uniform(-0.9, 0.9, (24, 2)) * side
        peaks[:, 1] = np.abs(peaks[:, 1])
        height, answer = of.lognormal(-0.4, 0.6, 24), of.normal(0, 0.25, (5, 24))
        turn = 0.12 * hidden[:, :1]
        pu = (peaks[:, 0] * np.cos(turn) - peaks[:, 1] * np.sin(turn)) * (1 + 0.06 * hidden[:, 1:2])
        pv = (peaks[:, 0] * np.sin(turn) + peaks[:, 1] * np.cos(turn)) * (1 + 0.06 * hidden[:, 2:3])
        h = height * np.exp(hidden @ answer)
        for first in range(0, len(rows), 2048):
            part = slice(first, first + 2048)
            out = np.repeat((1 / (1 + radius / 3)).astype(np.float32)[None], len(rows[part]), 0)
            for p in range(24):
                near = np.flatnonzero((np.abs(u - peaks[p, 0]) < 10) & (np.abs(v - peaks[p, 1]) < 10))
                du = u[None, near] - pu[part, p:p + 1].astype(np.float32)
                dv = v[None, near] - pv[part, p:p + 1].astype(np.float32)
                out[:, near] += h[part, p:p + 1].astype(np.float32) * np.exp(-(du * du + dv * dv) / np.float32(3.4))
            x[rows[part]] = out
    for first in range(0, n, 8192):
        part = x[first:first + 8192]
        part += rng.standard_normal(part.shape, dtype=np.float32) * np.float32(0.03)
    return x


class Cepman:
    """The library's C interface, so that no file stands between."""

    def __init__(self, path, threads, cpu):
        self.c = ctypes.CDLL(path)
        for name in ("cepman_context_error", "cepman_neighbors_method", "cepman_context_cpu_level"):
            getattr(self.c, name).restype = ctypes.c_char_p
        self.c.cepman_neighbors_recall.restype = ctypes.c_double
        self.c.cepman_context_memory_peak.restype = ctypes.c_size_t
        self.c.cepman_neighbors_distances.restype = ctypes.c_void_p
        self.c.cepman_options_set_real.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double]
        self.ctx = ctypes.c_void_p()
        assert self.c.cepman_context_create(ctypes.byref(self.ctx), None) == 0
        self.need(self.c.cepman_context_set_threads(self.ctx, ctypes.c_uint(threads)))
        self.need(self.c.cepman_context_set_cpu_level(self.ctx, cpu.encode()))

    def need(self, status):
        if status:
            sys.exit("libcepman: " + self.c.cepman_context_error(self.ctx).decode())

    def build(self, x, k, method, recall=0.98):
        """Seconds, distances, method used, recall told."""
        m, o, g = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        n, d = x.shape
        self.need(self.c.cepman_matrix_wrap(ctypes.byref(m), self.ctx, ctypes.c_void_p(x.ctypes.data), ctypes.c_size_t(n),
                                            ctypes.c_size_t(d), ctypes.c_size_t(d), None, None))
        self.need(self.c.cepman_neighbors_options_create(ctypes.byref(o), self.ctx))
        self.need(self.c.cepman_options_set_integer(o, self.ctx, b"k", ctypes.c_int64(k)))
        self.need(self.c.cepman_options_set_text(o, self.ctx, b"method", method.encode()))
        self.need(self.c.cepman_options_set_real(o, self.ctx, b"recall", recall))
        stated = ctypes.c_size_t()
        self.need(self.c.cepman_neighbors_memory(ctypes.byref(stated), self.ctx, ctypes.c_size_t(n), ctypes.c_size_t(d), 7,
                                                 o))
        self.stated = stated.value / 2 ** 20
        start = time.perf_counter()
        self.need(self.c.cepman_neighbors_build(ctypes.byref(g), self.ctx, m, o))
        seconds = time.perf_counter() - start
        raw = ctypes.cast(self.c.cepman_neighbors_distances(g), ctypes.POINTER(ctypes.c_float))
        distances = np.ctypeslib.as_array(raw, (n, k)).copy()
        told = self.c.cepman_neighbors_method(g).decode(), self.c.cepman_neighbors_recall(g)
        self.peak = self.c.cepman_context_memory_peak(self.ctx) / 2 ** 20
        self.c.cepman_neighbors_unref(g)
        self.c.cepman_options_unref(o)
        self.c.cepman_matrix_unref(m)
        return (seconds, distances) + told


def true_last(x, rows, k):
    """Distance of the k-th neighbour of some rows, in float64."""
    squares = np.einsum("ij,ij->i", x, x, dtype=np.float64)
    last = np.empty(len(rows))
    for first in range(0, len(rows), 50):
        part = rows[first:first + 50]
        rough = squares[part][:, None] + squares[None] - 2 * (x[part] @ x.T)
        rough[np.arange(len(part)), part] = np.inf
        near = np.argpartition(rough, 2 * k, axis=1)[:, :2 * k]
        for i, row in enumerate(part):
            e = x[near[i]].astype(np.float64) - x[row].astype(np.float64)
            last[first + i] = np.sort(np.sqrt(np.einsum("ij,ij->i", e, e)))[k - 1]
    return last


def own_distances(x, rows, indices, k):
    """True distances of what a peer found for some rows, itself left out."""
    out = np.full((len(rows), k), np.inf)
    for i, row in enumerate(rows):
        found = [j for j in indices[row] if j != row and j >= 0][:k]
        e = x[found].astype(np.float64) - x[row].astype(np.float64)
        out[i, :len(found)] = np.sqrt(np.einsum("ij,ij->i", e, e))
    return out


def peers(x, k, threads, exact):
    """name -> function that gives indices (with the row itself or without)."""
    out = {}
    try:
        import pynndescent
        out["pynndescent " + pynndescent.__version__] = lambda: pynndescent.NNDescent(
            x, n_neighbors=k + 1, n_jobs=threads, random_state=None).neighbor_graph[0]
    except ImportError:
        print("pynndescent is not installed: left out")
    try:
        import faiss
        faiss.omp_set_num_threads(threads)

        def flat():
            index = faiss.IndexFlatL2(x.shape[1])
            index.add(x)
            return index.search(x, k + 1)[1]
        if exact:
            out["faiss flat " + faiss.__version__] = flat
    except ImportError:
        print("faiss is not installed: left out")
    try:
        import hnswlib

        def hnsw():
            index = hnswlib.Index("l2", x.shape[1])
            index.init_index(len(x), ef_construction=100, M=16, random_seed=1)
            index.set_num_threads(threads)
            index.add_items(x)
            index.set_ef(80)
            return index.knn_query(x, k + 1)[0]
        out["hnswlib " + getattr(hnswlib, "__version__", "")] = hnsw
    except ImportError:
        print("hnswlib is not installed: left out")
    try:
        import sklearn
        from sklearn.neighbors import NearestNeighbors
        if exact:
            out["scikit-learn brute " + sklearn.__version__] = lambda: NearestNeighbors(
                n_neighbors=k + 1, algorithm="brute", n_jobs=threads).fit(x).kneighbors(return_distance=False)
    except ImportError:
        print("scikit-learn is not installed: left out")
    return out


def main(o):
    x = np.ascontiguousarray(np.load(o.data), dtype=np.float32) if o.data else make_rows(o.rows, o.columns)
    n, d = x.shape
    exact = n <= o.exact_rows
    rows = np.arange(0, n, max(1, n // 500))[:500]
    last = true_last(x, rows, o.k)
    library = Cepman(o.library, o.threads, o.cpu)
    cases = {}  # name -> [best seconds, recall]
    memory = {}  # name -> MiB stated beforehand, peak of the context so far; beside the rows
    wanted = [w for w in o.only.split(",") if w]

    def note(name, seconds, distances):
        recall = float((distances <= last[:, None] * (1 + 1e-6)).mean())
        best = cases.setdefault(name, [seconds, recall])
        best[0], best[1] = min(best[0], seconds), min(best[1], recall)

    ours = {"cepman recall .98": ("approximate", .98), "cepman recall .99": ("approximate", .99)}
    if exact:
        ours["cepman exact"] = ("exact", .98)
    others = peers(x, o.k, o.threads, exact)

    def kept(name):
        return not wanted or any(w in name for w in wanted)

    for turn in range(o.turns + 1):
        for name, (method, recall) in ours.items():
            if kept(name):
                seconds, distances, used, told = library.build(x, o.k, method, recall)
                if turn:
                    note(name, seconds, distances[rows])
                    memory[name] = (library.stated, library.peak)
                elif used != method:
                    print("%s: used %s" % (name, used))
        for name, run in others.items():
            if not kept(name) or (turn == 0 and "pynndescent" not in name):
                continue
            start = time.perf_counter()
            found = run()
            seconds = time.perf_counter() - start
            if turn:
                note(name, seconds, own_distances(x, rows, found, o.k))
        if kept("sgemm of half the pairs") and exact:
            # As many multiplications as an exact search has; blocks, so that it fits in memory.
            start = time.perf_counter()
            for first in range(0, n // 2, 2048):
                x[first:min(first + 2048, n // 2)] @ x.T
            if turn:
                note("sgemm of half the pairs", time.perf_counter() - start, np.zeros((1, 1)))
    level = library.c.cepman_context_cpu_level(library.ctx).decode()
    print("%d x %d, k = %d, %d threads, %s" % (n, d, o.k, o.threads, level))
    print("  %-34s %10s %8s %12s" % ("", "seconds", "recall", "MiB stated"))
    for name, (seconds, recall) in cases.items():
        print("  %-34s %10.3f %8s %12s" % (name, seconds, "" if name.startswith("sgemm") else "%.4f" % recall,
                                          "%.0f" % memory[name][0] if name in memory else ""))
    if memory:
        print("  peak of the library's own memory: %.0f MiB" % max(m[1] for m in memory.values()))
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"rows": n, "columns": d, "k": o.k, "threads": o.threads, "cpu": level,
                       "cases": {name: {"seconds": c[0], "recall": c[1]} for name, c in cases.items()},
                   "stated MiB": {name: m[0] for name, m in memory.items()},
                   "peak MiB": max([m[1] for m in memory.values()], default=0)}, f, indent=1)


if __name__ == "__main__":
    main(OPTIONS)
