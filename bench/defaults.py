#!/usr/bin/env python3
"""Judges `cepman run` without options on simulated scans with ground truth: materials, detectors, doses, seeds.

  bench/defaults.py CEPMAN [--set tune|held-out|fresh|stacks|random|all] [--draw 1] [--only WORD] [--jobs 2] [--keep DIR]
                    [--json OUT.json]

Scans come from `cepman simulate`; mosaics of single crystals are made here of several such scans: a binomial share of each
one's counts at every scan point, which is exactly a Poisson count of the mixed intensity. A table has one line a scan:
accuracy on core points (one-to-one matching; noise and surplus clusters are errors), clusters found and true, the part of
the core that is noise, and the part of the wall points that boundaries.npy marks (and of core points, wrongly).
Needs numpy; nothing is fetched. The pipeline was tuned on tune, held-out, fresh and draws 1 and 2 of random (40 scans of random
scenes, metals, sizes, detectors and doses); any other draw is new to it. stacks is hard silver without a scan (not in all, nor
is random).
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time

import numpy as np

# name: (kind, what, options). Kinds: scene (simulated as it is), mosaic (zones of one crystal), stack (a scene without its scan).
TUNE = {
    "twins-128": ("scene", "twin-domains", dict(scan="56x64", seed=1)),
    "twins-96-1e4": ("scene", "twin-domains", dict(scan="64x56", frame=96, pixel=0.042, dose=1e4, seed=2)),
    "twins-64-small": ("scene", "twin-domains", dict(scan="36x40", frame=64, pixel=0.06, dose=1e6, seed=3)),
    "twins-20x24": ("scene", "twin-domains", dict(scan="20x24", seed=5)),
    "twins-hard": ("scene", "twin-domains-hard", dict(scan="64x64", frame=96, pixel=0.04, dose=2e5, seed=4)),
    "oxide-128": ("scene", "oxide-particle", dict(scan="56x56", dose=1e5, seed=1)),
    "oxide-Cu-96": ("scene", "oxide-particle", dict(scan="56x60", frame=96, pixel=0.045, crystal="Cu", dose=4e4, seed=2)),
    "bands-Au": ("scene", "ag-tilt", dict(scan="36x36", frame=96, pixel=0.04, crystal="Au", dose=1e5, seed=1)),
    "bands-Cu-hard": ("scene", "ag-tilt-hard", dict(scan="36x36", crystal="Cu", dose=1e5, seed=2)),
    "one-Al": ("scene", "single-crystal", dict(scan="40x40", frame=96, crystal="Al", tilt=3, dose=5e4, seed=3)),
    "mosaic-Pd": ("mosaic", "Pd", dict(scan="44x48", frame=96, pixel=0.042, tilt=3, dose=5e4, seed=1,
                                       zones=("0 0 1", "1 1 0", "1 1 2"))),
    "mosaic-Ni": ("mosaic", "Ni", dict(scan="48x40", frame=128, tilt=5, dose=2e5, seed=2,
                                       zones=("0 0 1", "1 1 0", "1 1 1", "1 2 0"))),
    "stack-Ag-15": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=15, dose=1e5, seed=1)),
    "stack-Pt-20": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=20, crystal="Pt", dose=1e5, seed=2)),
    "stack-Al-5": ("stack", "ag-tilt", dict(scan="10x30", tilt=5, crystal="Al", frame=96, pixel=0.042, dose=1e4, seed=3)),
    "stack-Ag-2": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=2, dose=1e6, seed=4)),
}
HELD_OUT = {
    "twins-200": ("scene", "twin-domains", dict(scan="60x52", frame=200, pixel=0.02, dose=1e6, seed=11)),
    "twins-128-1e4": ("scene", "twin-domains", dict(scan="64x64", dose=1e4, seed=12)),
    "twins-hard-128": ("scene", "twin-domains-hard", dict(scan="64x72", dose=1e5, seed=13)),
    "twins-24x20": ("scene", "twin-domains", dict(scan="24x20", frame=96, pixel=0.042, seed=14)),
    "oxide-256": ("scene", "oxide-particle", dict(scan="48x52", frame=256, pixel=0.016, dose=2e5, seed=15)),
    "oxide-Ni-64": ("scene", "oxide-particle", dict(scan="64x60", frame=64, pixel=0.06, crystal="Ni", dose=1e6, seed=16)),
    "bands-Ir-hard": ("scene", "ag-tilt-hard", dict(scan="40x36", frame=96, pixel=0.042, crystal="Ir", tilt=15, dose=4e4, seed=17)),
    "one-SnSe": ("scene", "single-crystal", dict(scan="44x40", crystal="SnSe", zone="1 0 0", tilt=4, dose=1e5, seed=18)),
    "mosaic-Au": ("mosaic", "Au", dict(scan="52x48", frame=128, tilt=4, dose=1e4, seed=19, zones=("0 0 1", "1 1 0", "1 1 2"))),
    "mosaic-Al": ("mosaic", "Al", dict(scan="40x44", frame=64, pixel=0.06, tilt=2, dose=1e6, seed=20,
                                       zones=("0 0 1", "1 1 0", "1 1 1", "1 2 0", "1 1 2"))),
    "stack-Au-20": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=20, crystal="Au", dose=1e5, seed=21)),
    "stack-Pd-10": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=10, crystal="Pd", frame=96, pixel=0.042, dose=2e4, seed=22)),
}
FRESH = {
    "twins-112": ("scene", "twin-domains", dict(scan="52x60", frame=112, pixel=0.037, dose=3e4, seed=31)),
    "twins-160": ("scene", "twin-domains", dict(scan="44x48", frame=160, pixel=0.026, dose=5e5, seed=32)),
    "twins-hard-112": ("scene", "twin-domains-hard", dict(scan="60x56", frame=112, pixel=0.036, dose=3e5, seed=33)),
    "twins-28x22": ("scene", "twin-domains", dict(scan="28x22", frame=80, pixel=0.05, dose=7e4, seed=34)),
    "oxide-144": ("scene", "oxide-particle", dict(scan="48x48", frame=144, pixel=0.028, dose=7e4, seed=35)),
    "oxide-Rh-80": ("scene", "oxide-particle", dict(scan="52x56", frame=80, pixel=0.05, crystal="Rh", dose=5e5, seed=36)),
    "bands-Rh-hard": ("scene", "ag-tilt-hard", dict(scan="36x40", frame=80, pixel=0.05, crystal="Rh", tilt=12, dose=3e4, seed=37)),
    "bands-Pb": ("scene", "ag-tilt", dict(scan="40x32", frame=112, pixel=0.036, crystal="Pb", tilt=8, dose=1.5e4, seed=38)),
    "one-Rh": ("scene", "single-crystal", dict(scan="36x44", frame=112, pixel=0.036, crystal="Rh", zone="1 1 0", tilt=3,
                                               dose=7e4, seed=39)),
    "one-alumina": ("scene", "single-crystal", dict(scan="44x36", frame=144, pixel=0.028, crystal="alpha-Al2O3", zone="1 0 0",
                                                    tilt=2, dose=3e5, seed=40)),
    "mosaic-Pb": ("mosaic", "Pb", dict(scan="44x52", frame=80, pixel=0.05, tilt=3, dose=3e5, seed=41,
                                       zones=("0 0 1", "1 1 0", "1 1 1", "1 1 2"))),
    "mosaic-Rh": ("mosaic", "Rh", dict(scan="52x44", frame=112, pixel=0.036, tilt=4, dose=1.5e4, seed=42,
                                       zones=("0 0 1", "1 1 0", "1 1 1", "1 2 0", "1 1 2"))),
    "stack-Rh-15": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=15, crystal="Rh", frame=112, pixel=0.036, dose=7e4, seed=43)),
    "stack-Pb-5": ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=5, crystal="Pb", frame=80, pixel=0.05, dose=1.5e4, seed=44)),
}
STACKS = {
    "Ag-%d-%s-%d" % (tilt, dose, seed): ("stack", "ag-tilt-hard", dict(scan="10x30", tilt=tilt, dose=float(dose), seed=seed))
    for dose, tilt, seed in itertools.product(("1e4", "1e5"), (20, 25, 30), (51, 52, 53))
}
METALS = ("Ag", "Al", "Au", "Cu", "Ir", "Ni", "Pb", "Pd", "Pt", "Rh")
ZONES = ("0 0 1", "1 1 0", "1 1 1", "1 2 0", "1 1 2")


def random_case(draw, number):
    rng = np.random.default_rng([draw, number])
    frame = int(rng.choice([64, 80, 96, 112, 128, 144, 160]))
    pixel = round(float(4.1 / frame * rng.uniform(.85, 1.15)), 4)
    dose = float("%.2g" % 10**rng.uniform(4, 6))
    options = dict(scan="%dx%d" % (int(rng.integers(24, 72)), int(rng.integers(24, 72))), frame=frame, pixel=pixel, dose=dose,
                   seed=draw * 1000 + number)
    metal, kind = str(rng.choice(METALS)), number % 8
    if kind in (0, 6):
        return "scene", "twin-domains", options
    if kind == 1:
        return "scene", "twin-domains-hard", options
    if kind == 2:
        return "scene", "oxide-particle", dict(options, crystal=str(rng.choice(["Al", "Ni", "Cu", metal])))
    if kind == 3:
        return "scene", "ag-tilt", dict(options, crystal=metal, tilt=int(rng.integers(3, 25)))
    if kind == 4:
        return "scene", "ag-tilt-hard", dict(options, crystal=metal, tilt=int(rng.integers(3, 19)))
    if kind == 5:
        return "scene", "single-crystal", dict(options, crystal=str(rng.choice([metal, "SnSe", "alpha-Al2O3"])),
                                               zone=str(rng.choice(["1 0 0", "0 0 1", "1 1 0"])), tilt=int(rng.integers(1, 6)))
    zones = ZONES[:int(rng.integers(2, 6))]
    return "mosaic", metal, dict(options, tilt=int(rng.integers(2, 6)), zones=zones)


SETS = {"tune": TUNE, "held-out": HELD_OUT, "fresh": FRESH, "stacks": STACKS}


def call(cepman, *words, threads=1):
    words = [str(w) for w in words]
    r = subprocess.run([cepman, *words, "--threads", str(threads), "--progress", "never"], capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError("cepman %s: %s" % (" ".join(words), r.stderr.strip()))


def simulate(cepman, scene, out, **options):
    call(cepman, "simulate", scene, "-o", out, *itertools.chain(*(("--" + k, v) for k, v in options.items())))


def mosaic(cepman, crystal, out, scan, zones, seed, tilt, **options):
    """Two Voronoi grains of each zone; the probe shares a point between the two nearest over about a step."""
    rows, columns = map(int, scan.split("x"))
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    area = rows * columns / (2 * len(zones))
    seeds = []
    while len(seeds) < 2 * len(zones):  # not too close to one another
        p = rng.uniform((2, 2), (rows - 2, columns - 2))
        if all(np.hypot(*(p - q)) > 0.75 * np.sqrt(area) for q in seeds):
            seeds.append(p)
    d = np.array([np.hypot(y - p[0], x - p[1]) for p in seeds])
    share = np.exp(-(d - d.min(0)) / 0.45)
    share = np.array([share[k::len(zones)].sum(0) for k in range(len(zones))]) / share.sum(0)
    left, counts = np.ones((rows, columns)), 0
    for k, zone in enumerate(zones):
        simulate(cepman, "single-crystal", out, crystal=crystal, zone=zone, scan=scan, tilt=tilt, seed=100 * seed + k, jitter=0.2,
                 **options)
        frames = np.load(out)
        counts = counts + rng.binomial(frames, share[k][:, :, None, None]).astype(np.uint16)
    np.save(out, counts)
    truth = np.where(share.max(0) >= 0.95, share.argmax(0), -1).astype(np.int32)
    np.save(out.replace(".npy", ".truth.npy"), truth)
    np.save(out.replace(".npy", ".boundary.npy"), (truth < 0).astype(np.int32))


def make(cepman, case, folder):
    kind, what, options = case
    out = os.path.join(folder, "scan.npy")
    if kind == "mosaic":
        mosaic(cepman, what, out, **options)
    else:
        simulate(cepman, what, out, **options)
    truth = np.load(out.replace(".npy", ".truth.npy"))
    wall = np.load(out.replace(".npy", ".boundary.npy")) == 1
    if kind == "stack":
        frames = np.load(out)
        np.save(out, frames.reshape(-1, *frames.shape[-2:]))
        os.remove(out + ".json")
        truth, wall = truth.ravel(), wall.ravel()
    return out, truth, wall


def best_matching(table):
    """Largest sum of a one-to-one choice of cells, for tables of a few classes: over subsets of the shorter side."""
    if table.shape[0] < table.shape[1]:
        table = table.T
    best = {0: 0}
    for row in table:
        new = dict(best)
        for taken, value in best.items():
            for j, v in enumerate(row):
                if not taken >> j & 1 and value + v > new.get(taken | 1 << j, -1):
                    new[taken | 1 << j] = value + v
        best = new
    return max(best.values())


def score(found, truth, wall, marked):
    core = truth >= 0
    a, b = found[core], truth[core]
    names = np.unique(a[a >= 0])
    table = np.array([[np.sum((a == i) & (b == j)) for j in np.unique(b)] for i in names])
    return dict(accuracy=float(best_matching(table) / core.sum()) if len(names) else 0.0, clusters=int(found.max()) + 1,
                true=len(np.unique(b)), noise=float(np.mean(a < 0)),
                walls_marked=float(np.mean(marked[wall])) if marked is not None and wall.any() else None,
                core_marked=float(np.mean(marked[core])) if marked is not None else None)


def judge(cepman, name, case, keep, run):
    folder = os.path.join(keep, name) if keep else tempfile.mkdtemp(prefix="defaults-")
    os.makedirs(folder, exist_ok=True)
    try:
        out, truth, wall = make(cepman, case, folder)
        start = time.monotonic()
        results = os.path.join(folder, "results")
        call(cepman, "run", out, "-o", results, *run)
        seconds = time.monotonic() - start
        marked = os.path.join(results, "boundaries.npy")
        marked = np.load(marked) == 1 if os.path.exists(marked) else None
        return dict(score(np.load(os.path.join(results, "labels.npy")), truth, wall, marked), name=name, seconds=seconds)
    finally:
        if not keep:
            shutil.rmtree(folder)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("cepman")
    p.add_argument("--set", choices=(*SETS, "random", "all"), default="all")
    p.add_argument("--draw", type=int, default=1, help="which forty scans of the set random, 0 and more")
    p.add_argument("--only", default="", help="cases whose name holds this word")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--keep", help="a folder for scans and results; without it they are deleted")
    p.add_argument("--json", help="the table as JSON")
    p.add_argument("--run", default="", help="options for cepman run, to compare with the defaults")
    a = p.parse_args()
    chosen = ("tune", "held-out", "fresh") if a.set == "all" else (a.set,)
    named = [("random-%d-%d" % (a.draw, i), random_case(a.draw, i)) for i in range(40)] if a.set == "random" else \
        [case for name in chosen for case in SETS[name].items()]
    cases = {name: case for name, case in named if a.only in name}
    print("%-16s %8s %9s %6s %6s %6s %7s" % ("scan", "accuracy", "clusters", "noise", "walls", "core", "seconds"))
    share = lambda v: "     -" if v is None else "%6.3f" % v
    lines = []
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for r in pool.map(lambda k: judge(a.cepman, k, cases[k], a.keep, a.run.split()), cases):
            lines.append(r)
            print("%-16s %8.3f %4d of %d %6.3f %s %s %7.1f" % (r["name"], r["accuracy"], r["clusters"], r["true"], r["noise"],
                                                             share(r["walls_marked"]), share(r["core_marked"]), r["seconds"]),
                  flush=True)
    right = sum(r["clusters"] == r["true"] for r in lines)
    print("mean %.4f, least %.3f, right number %d of %d" % (np.mean([r["accuracy"] for r in lines]),
                                                            min(r["accuracy"] for r in lines), right, len(lines)))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(lines, f, indent=1)


if __name__ == "__main__":
    main()
