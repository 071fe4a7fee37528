#!/usr/bin/env python3
"""Runs a bench and guards its ratios: run_guarded.py BENCH GUARD.json [ARGUMENTS OF THE BENCH]

Where a ratio is worse than its record the bench runs again, up to three times, and each ratio's best counts: what was slow for
a moment on a busy machine is no regression, and a regression is there every time.
"""
import json
import os
import subprocess
import sys
import tempfile

RUNS = 3


def best_of(first, second):
    ratios = dict(first["ratios"])
    for name, value in second["ratios"].items():
        if not ratios.get(name, float("nan")) <= value:  # missing and NaN give way
            ratios[name] = value
    return dict(second, ratios=ratios)


def main(program, guard, *more):
    compare = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.py")
    with tempfile.TemporaryDirectory() as folder:
        path, best = os.path.join(folder, "run.json"), None
        for _ in range(RUNS):
            if subprocess.call([program, *more, "--json", path]):
                return 1
            with open(path) as f:
                run = json.load(f)
            best = best_of(best, run) if best else run
            with open(path, "w") as f:
                json.dump(best, f)
            if not subprocess.call([sys.executable, compare, guard, path]):
                return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
