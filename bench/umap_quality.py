#!/usr/bin/env python3
"""Quality of embeddings, the library's beside umap-learn's, over several seeds.

usage: umap_quality.py CEPMAN [--seeds 3] [--sets NAME,NAME] [--dims 2] [--no-peer] [--place] [--json FILE]

CEPMAN is the command line program. umap-learn (seen with 0.5.12) and scikit-learn (for the digits) are used where Python
has them. Metrics, k = 15:
  trust, cont   trustworthiness and continuity (Venna and Kaski 2001)
  keep          share of the k nearest rows that are among the k nearest in the embedding
  rho           Spearman correlation of distances of 100,000 pairs of rows
  ce            fuzzy set cross entropy of an edge: attraction, and 5 times repulsion over random pairs
  purity        share of the k nearest in the embedding that are of the same true class
  silhouette    of the true classes in the embedding (Rousseeuw 1987)
  longest       longest step between points that are neighbours in the true shape, over the embedding's width
  width         largest extent of a dimension, and `thin`: smallest extent over largest
  new ...       --place: a third of the rows is held out and placed: purity of its k nearest places of the rest, and
                `far`, mean distance to the places of its true k nearest, over that of random rows
Each figure is lowest to highest over the seeds.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np

K = 15
FIGURES = ("trust", "cont", "keep", "rho", "ce", "purity", "silhouette", "longest", "width", "thin", "new purity",
           "new far")


# ---- data: rows, classes (or None), pairs that are neighbours in the true shape (or None) ----

def blobs(rng):
    centre = rng.normal(0, 4, (8, 50))
    of = rng.integers(0, 8, 2000)
    return centre[of] + rng.normal(0, 1, (2000, 50)), of, None


def sheets(rng):
    """Curved sheets of three hidden numbers: peaks that move, turn and change height, with mixtures and noise."""
    side, n = 24, 2000
    v, u = np.mgrid[0:side, -side // 2:side // 2]
    x, of = np.empty((n, side * side)), rng.integers(0, 5, n)
    for k in range(5):
        rows = np.flatnonzero(of == k)
        hidden = rng.uniform(-1, 1, (len(rows), 3))
        peaks, height = rng.uniform(0, side, (12, 2)), rng.lognormal(0, 0.5, 12)
        answer = rng.normal(0, 0.25, (3, 12))
        pu = (peaks[:, 0] - side / 2) * (1 + 0.06 * hidden[:, :1]) + 0.12 * hidden[:, 1:2] * peaks[:, 1]
        pv = peaks[:, 1] * (1 + 0.06 * hidden[:, 2:])
        h = height * np.exp(hidden @ answer)
        out = np.zeros((len(rows), side, side))
        for p in range(12):
            out += h[:, p, None, None] * np.exp(-((u - pu[:, p, None, None]) ** 2 + (v - pv[:, p, None, None]) ** 2) / 4)
        x[rows] = out.reshape(len(rows), -1)
    mixed, other, share = rng.permutation(n)[:80], rng.integers(0, n, 80), rng.uniform(0.5, 1, (80, 1))
    x[mixed] = share * x[mixed] + (1 - share) * x[other]
    return x + rng.normal(0, 0.03, x.shape), of, None


def circle(rng):
    n = 1000
    t = 2 * np.pi * np.arange(n) / n
    x = rng.normal(0, 0.005, (n, 10))
    x[:, 0] += np.cos(t)
    x[:, 7] += np.sin(t)
    return x, None, np.stack([np.arange(n), (np.arange(n) + 1) % n], 1)


def grid(_):
    at = np.arange(1600).reshape(40, 40)
    pairs = np.concatenate([np.stack([at[1:].ravel(), at[:-1].ravel()], 1),
                            np.stack([at[:, 1:].ravel(), at[:, :-1].ravel()], 1)])
    return np.stack([np.arange(1600) % 40, np.arange(1600) // 40], 1), None, pairs


def roll(rng):
    n = 1500
    t, y = 1.5 * np.pi * (1 + 2 * rng.random(n)), 21 * rng.random(n)
    flat = np.stack([t * t / 2, y], 1)
    near = np.argsort(distances(flat), 1)[:, 1:5]
    return (np.stack([t * np.cos(t), y, t * np.sin(t)], 1), None,
            np.stack([np.repeat(np.arange(n), 4), near.ravel()], 1))


def two_far(rng):
    of = np.arange(1000) % 2
    return rng.normal(0, 1, (1000, 10)) + 100.0 * of[:, None], of, None


def one(rng):
    return rng.normal(0, 1, (1000, 10)), None, None


def duplicates(rng):
    return rng.normal(0, 1, (300, 8))[np.arange(900) % 300], None, None


def digits(_):
    from sklearn.datasets import load_digits
    d = load_digits()
    return d.data, d.target, None


def cepstra(program, folder):
    """Features of a simulated scan; its truth has -1 where domains meet."""
    scan, features = os.path.join(folder, "scan.npy"), os.path.join(folder, "features.npy")
    for words in (["simulate", "twin-domains", "--scan", "40x40", "--frame", "64", "-o", scan],
                  ["transform", scan, "-o", features]):
        subprocess.run([program] + words, check=True, stdout=subprocess.DEVNULL)
    return np.load(features), np.load(os.path.join(folder, "scan.truth.npy")).ravel(), None


# ---- metrics ----

def distances(x, y=None):
    x = np.asarray(x, np.float64)
    y = x if y is None else np.asarray(y, np.float64)
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * x @ y.T
    return np.sqrt(np.maximum(squares, 0))


def ranks(d):
    """0 for the nearest other point, n - 1 for the point itself."""
    d = d.copy()
    np.fill_diagonal(d, np.inf)
    out = np.empty(d.shape, np.int32)
    np.put_along_axis(out, np.argsort(d, 1, kind="stable"), np.arange(len(d), dtype=np.int32)[None], 1)
    return out


def spearman(x, y):
    rank = [np.unique(v, return_inverse=True, return_counts=True)[1:] for v in (x, y)]
    rank = [(np.cumsum(count) - count / 2)[inverse] for inverse, count in rank]
    return float(np.corrcoef(rank)[0, 1])


def fuzzy(d):
    """UMAP's symmetric memberships as a full matrix, from all distances, K - 1 others a row."""
    n = len(d)
    d = d.copy()
    np.fill_diagonal(d, np.inf)
    near = np.argsort(d, 1, kind="stable")[:, :K - 1]
    of = np.take_along_axis(d, near, 1)
    rho = np.where((of > 0).any(1), np.where(of > 0, of, np.inf).min(1), 0)
    beyond = np.maximum(of - rho[:, None], 0)
    low, high = np.full(n, 1e-6), np.full(n, 1e6)
    for _ in range(100):
        middle = np.sqrt(low * high)
        more = np.exp(-beyond / middle[:, None]).sum(1) > np.log2(K)
        high, low = np.where(more, middle, high), np.where(more, low, middle)
    a = np.zeros((n, n))
    np.put_along_axis(a, near, np.exp(-beyond / np.maximum(low, 1e-3 * of.mean() + 1e-12)[:, None]), 1)
    return a + a.T - a * a.T


def silhouette(d, of):
    classes = [c for c in np.unique(of) if c >= 0 and (of == c).sum() > 1]
    mean = np.stack([d[:, of == c].sum(1) / max(1, (of == c).sum()) for c in classes], 1)
    out = []
    for i, c in enumerate(classes):
        mine = of == c
        own = mean[mine, i] * mine.sum() / (mine.sum() - 1)
        other = np.delete(mean[mine], i, 1).min(1)
        out.append((other - own) / np.maximum(np.maximum(other, own), 1e-12))
    return float(np.concatenate(out).mean())


def measure(true, e, of, pairs):
    """true: distances, ranks and memberships of the rows."""
    d, rank, member = true
    n = len(d)
    de = distances(e)
    rank_e = ranks(de)
    scale = 2 / (n * K * (2 * n - 3 * K - 1))
    in_x, in_e = rank < K, rank_e < K
    rng = np.random.default_rng(5)
    i, j = rng.integers(0, n, (2, 100000))
    i, j = i[i != j], j[i != j]
    a, b = 1.5769, 0.8951  # of min-dist 0.1, spread 1
    p, q = np.nonzero(np.triu(member))
    near = np.clip(1 / (1 + a * de[p, q] ** (2 * b)), 1e-4, 1)
    rest = np.clip(1 / (1 + a * de[i, j] ** (2 * b)), 0, 1 - 1e-4)
    extent = np.ptp(e, 0)
    out = {"trust": 1 - scale * float((rank - K + 1)[in_e & ~in_x].sum()),
           "cont": 1 - scale * float((rank_e - K + 1)[in_x & ~in_e].sum()),
           "keep": float((in_x & in_e).sum() / (n * K)),
           "rho": spearman(d[i, j], de[i, j]),
           "ce": float(-(member[p, q] * np.log(near)).sum() / member[p, q].sum() - 5 * np.log(1 - rest).mean()),
           "width": float(extent.max()), "thin": float(extent.min() / extent.max())}
    if of is not None:
        out["purity"] = float((of[np.nonzero(in_e)[1]].reshape(n, K) == of[:, None]).mean())
        out["silhouette"] = silhouette(de, of)
    if pairs is not None:
        out["longest"] = float(de[pairs[:, 0], pairs[:, 1]].max() / extent.max())
    return out


def measure_new(x, new, e, placed, of, of_new):
    near = np.argsort(distances(placed, e), 1)[:, :K]
    true = np.argsort(distances(new, x), 1)[:, :K]
    d = distances(placed, e)
    out = {"new far": float(np.take_along_axis(d, true, 1).mean() / d.mean())}
    if of is not None:
        out["new purity"] = float((of[near] == of_new[:, None]).mean())
    return out


# ---- embeddings ----

def ours(program, folder, x, new, dims, seed):
    path = [os.path.join(folder, name) for name in ("x.npy", "e.npy", "model", "new.npy", "placed.npy")]
    np.save(path[0], x)
    run = [program, "embed", path[0], "-o", path[1], "--dims", str(dims), "--umap-seed", str(seed)]
    subprocess.run(run + (["--save", path[2]] if new is not None else []), check=True)
    if new is not None:
        np.save(path[3], new)
        subprocess.run([program, "place", path[3], "--model", path[2], "-o", path[4]], check=True)
    return np.load(path[1]), np.load(path[4]) if new is not None else None


def peer(x, new, dims, seed):
    import umap
    model = umap.UMAP(n_components=dims, random_state=seed, n_jobs=1).fit(x)
    return model.embedding_, model.transform(new) if new is not None else None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--sets", default="digits,blobs,sheets,cepstra,circle,grid,roll,two-far,one,duplicates")
    p.add_argument("--dims", type=int, default=2)
    p.add_argument("--no-peer", action="store_true")
    p.add_argument("--place", action="store_true")
    p.add_argument("--json")
    o = p.parse_args()
    warnings.filterwarnings("ignore")
    makers = {"digits": digits, "blobs": blobs, "sheets": sheets, "circle": circle, "grid": grid, "roll": roll,
              "two-far": two_far, "one": one, "duplicates": duplicates}
    with_peer = not o.no_peer
    try:
        if with_peer:
            import umap
            print("umap-learn %s" % umap.__version__, file=sys.stderr)
    except ImportError:
        print("umap-learn is not installed: left out", file=sys.stderr)
        with_peer = False
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in o.sets.split(","):
            try:
                x, of, pairs = (cepstra(o.program, folder) if name == "cepstra"
                                else makers[name](np.random.default_rng(1)))
            except ImportError:
                print("scikit-learn is not installed: no digits", file=sys.stderr)
                continue
            x, new, of_new = np.ascontiguousarray(x, np.float32), None, None
            if o.place:
                held = np.arange(len(x)) % 3 == 1
                x, new, pairs = x[~held], x[held], None
                if of is not None:
                    of, of_new = of[~held], of[held]
            d = distances(x)
            true = d, ranks(d), fuzzy(d)
            for who in ("cepman", "umap-learn") if with_peer else ("cepman",):
                figures = []
                for seed in range(1, o.seeds + 1):
                    e, placed = (ours(o.program, folder, x, new, o.dims, seed) if who == "cepman"
                                 else peer(x, new, o.dims, seed))
                    assert np.isfinite(e).all() and (placed is None or np.isfinite(placed).all()), (name, who, seed)
                    figures.append(measure(true, e, of, pairs))
                    if o.place:
                        figures[-1].update(measure_new(x, new, e, placed, of, of_new))
                kept = {f: [v[f] for v in figures] for f in FIGURES if f in figures[0]}
                found.setdefault(name, {})[who] = kept
                print("%-10s %-10s " % (name, who) + "  ".join(
                    "%s %.4g..%.4g" % (f, min(v), max(v)) for f, v in kept.items()), flush=True)
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"seeds": o.seeds, "dims": o.dims, "sets": found}, f, indent=1)


if __name__ == "__main__":
    main()
