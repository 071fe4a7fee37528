#!/usr/bin/env python3
"""Manifolds of standardised diffraction patterns, the library's beside umap-learn's, on the same frames.

usage: diffraction_manifold.py CEPMAN [--dose 1e5] [--seeds 5] [--tilts 1,2,5,10,15,20,25,30] [--expected DIR]

Frames are those of `cepman simulate ag-tilt-hard --theory kinematical`, one scan a seed. --expected takes them from another
simulator instead: DIR/*TNN.npz for each tilt NN, with `expected` (frames, height, width; unit total) and `label`; counts are
then Poisson numbers of numpy.random.default_rng(seed), seeds from 0.
The library: `cepman embed` and `cepman cluster`. Beside it umap-learn (3 dimensions, else its defaults) and scikit-learn's
K-means (n_init 10). Both embeddings go through both K-means and through `cepman cluster --method hdbscan` (50 and 50).
Accuracies in %, over the tilts and seeds, by the best one-to-one matching; noise is wrong. In brackets the worst and
the best seed.
"""
import argparse
import glob
import json
import os
import subprocess
import tempfile
import warnings

import numpy as np
import umap
from sklearn.cluster import KMeans

TILTS = "1,2,5,10,15,20,25,30"


class Chain:
    """The program, with its files in a folder."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        return subprocess.run([self.program, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def simulated(self, tilt, dose, seed):
        self.run("simulate", "ag-tilt-hard", "--scan", "10x30", "--theory", "kinematical", "--tilt", tilt, "--dose", dose,
                 "--seed", 42 + seed, "-o", self.path("scan.npy"))
        frames = np.load(self.path("scan.npy"))
        return frames.reshape(-1, *frames.shape[2:]), np.load(self.path("scan.truth.npy")).ravel()

    def embedded(self, rows, seed):
        np.save(self.path("rows.npy"), rows)
        self.run("embed", self.path("rows.npy"), "--seed", seed, "-o", self.path("embedding.npy"))
        return np.load(self.path("embedding.npy"))

    def score(self, labels, truth):
        np.save(self.path("labels.npy"), labels.astype(np.int32))
        np.save(self.path("truth.npy"), truth.astype(np.int32))
        return 100 * json.loads(self.run("score", self.path("labels.npy"), self.path("truth.npy")))["accuracy"]

    def clustered(self, points, truth, *method):
        np.save(self.path("points.npy"), points.astype(np.float32))
        self.run("cluster", self.path("points.npy"), "--method", *method, "-o", self.path("found.npy"))
        return self.score(np.load(self.path("found.npy")).ravel(), truth)


def expected(folder, tilt, dose, seed):
    found = glob.glob(os.path.join(folder, "*T%02d.npz" % tilt))
    if len(found) != 1:
        raise SystemExit("%s: %d files *T%02d.npz, expected one" % (folder, len(found), tilt))
    kept = np.load(found[0])
    return np.random.default_rng(seed).poisson(kept["expected"].astype(np.float64) * dose), kept["label"]


def standardised(frames):
    x = frames.reshape(len(frames), -1).astype(np.float32)
    deviation = x.std(0)
    return (x - x.mean(0)) / np.where(deviation > 0, deviation, np.float32(1))


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("cepman")
    p.add_argument("--dose", type=float, default=1e5)
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--tilts", default=TILTS)
    p.add_argument("--expected")
    o = p.parse_args()
    warnings.filterwarnings("ignore")
    tilts = [int(t) for t in o.tilts.split(",")]
    names = ("own K-means", "scikit-learn's", "HDBSCAN")
    table = {"libcepman": np.zeros((o.seeds, len(tilts), 3)), "umap-learn": np.zeros((o.seeds, len(tilts), 3))}
    with tempfile.TemporaryDirectory() as folder:
        chain = Chain(o.cepman, folder)
        for s in range(o.seeds):
            for t, tilt in enumerate(tilts):
                frames, truth = (expected(o.expected, tilt, o.dose, s) if o.expected
                                 else chain.simulated(tilt, o.dose, s))
                rows, classes = standardised(frames), len(np.unique(truth[truth >= 0]))
                for name, out in table.items():
                    e = (chain.embedded(rows, s) if name == "libcepman"
                         else umap.UMAP(n_components=3, random_state=s).fit_transform(rows))
                    found = KMeans(classes, n_init=10, random_state=s).fit_predict(e)
                    out[s, t] = (chain.clustered(e, truth, "kmeans", "-k", classes, "--seed", s), chain.score(found, truth),
                                 chain.clustered(e, truth, "hdbscan", "--min-cluster-size", 50, "--min-samples", 50))
    for name, out in table.items():
        seeds = out.mean(1)
        print("%-11s" % name, "  ".join("%s %.1f (%.1f %.1f)" % (n, *f) for n, f in zip(
            names, np.stack([seeds.mean(0), seeds.min(0), seeds.max(0)], 1))))
        print("   own K-means by tilt:", "  ".join("%d: %.1f" % z for z in zip(tilts, out[:, :, 0].mean(0))))


main()
