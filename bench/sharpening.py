#!/usr/bin/env python3
"""How far apart the parts of one domain and unlike domains are, for powers of their mean cepstra: what sharpening gains.

  bench/sharpening.py CEPMAN

For simulated scans with ground truth: means of the cepstra over each connected part of each domain (of 15 points or more), raised
to a power, made of unit length. same: the largest distance between two parts of one domain; unlike: the smallest between two
of different ones. Needs numpy and scipy.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy import ndimage

SCANS = {
    "twins": ["twin-domains", "--scan", "44x48", "--frame", "160", "--pixel", "0.026", "--dose", "5e5", "--seed", "32"],
    "twins-hard-a": ["twin-domains-hard", "--scan", "60x56", "--frame", "112", "--pixel", "0.036", "--dose", "3e5", "--seed", "33"],
    "twins-hard-b": ["twin-domains-hard", "--scan", "64x72", "--dose", "1e5", "--seed", "13"],
    "oxide-Ni": ["oxide-particle", "--scan", "64x60", "--frame", "64", "--pixel", "0.06", "--crystal", "Ni", "--dose", "1e6",
                 "--seed", "16"],
}


def means(cepman, scene):
    with tempfile.TemporaryDirectory() as folder:
        scan, features = os.path.join(folder, "scan.npy"), os.path.join(folder, "features.npy")
        subprocess.run([cepman, "simulate", *scene, "-o", scan, "--progress", "never"], check=True)
        subprocess.run([cepman, "transform", scan, "-o", features, "--progress", "never"], check=True)
        truth, rows = np.load(scan.replace(".npy", ".truth.npy")), np.load(features).astype(np.float64)
    found, labels = [], []
    for label in np.unique(truth[truth >= 0]):
        parts, count = ndimage.label(truth == label)
        for part in range(1, count + 1):
            inside = (parts == part).ravel()
            if inside.sum() >= 15:
                found.append(rows[inside].mean(0))
                labels.append(label)
    return np.array(found), np.array(labels)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    print("%-14s %5s %6s %7s" % ("scan", "power", "same", "unlike"))
    for name, scene in SCANS.items():
        rows, labels = means(sys.argv[1], scene)
        for power in (1, 2, 3, 4):
            sharp = rows**power
            sharp /= np.linalg.norm(sharp, axis=1, keepdims=True)
            apart = np.sqrt(np.maximum(0, 2 - 2 * sharp @ sharp.T))
            same = labels[:, None] == labels
            print("%-14s %5d %6.2f %7.2f" % (name, power, apart[same].max(), apart[~same].min()))


if __name__ == "__main__":
    main()
