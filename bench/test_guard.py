#!/usr/bin/env python3
"""The guard itself: passes what is as fast, fails what is slower, missing or not a number, and records."""
import json
import os
import subprocess
import sys
import tempfile

GUARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.py")


def run(folder, ratios, recorded, cpu="avx2", record=False):
    """ratios: of one run, or a list of several runs'."""
    runs = ratios if isinstance(ratios, list) else [ratios]
    paths = [os.path.join(folder, name) for name in ["guard.json"] + ["run%d.json" % i for i in range(len(runs))]]
    for path, value in zip(paths, [{"b": {"avx2": recorded}}] + [{"bench": "b", "cpu": cpu, "ratios": r} for r in runs]):
        with open(path, "w") as f:
            json.dump(value, f)
    done = subprocess.run([sys.executable, GUARD] + ["--record"] * record + paths, stdout=subprocess.PIPE,
                          universal_newlines=True)
    with open(paths[0]) as f:
        return done.returncode, done.stdout, json.load(f)


def main():
    cases = [
        ("as fast", {"x": 1.0, "y": 2.0}, {"x": 1.0}, "avx2", 0),
        ("faster", {"x": 0.5}, {"x": 1.0}, "avx2", 0),
        ("within the tolerance", {"x": 1.149}, {"x": 1.0}, "avx2", 0),
        ("slower", {"x": 1.151}, {"x": 1.0}, "avx2", 1),
        ("one of two slower", {"x": 1.0, "y": 9.0}, {"x": 1.0, "y": 1.0}, "avx2", 1),
        ("missing", {"y": 1.0}, {"x": 1.0}, "avx2", 1),
        ("not a number", {"x": float("nan")}, {"x": 1.0}, "avx2", 1),
        ("another CPU", {"x": 9.0}, {"x": 1.0}, "generic", 0),
    ]
    failed = 0
    print("1..%d" % (len(cases) + 3))
    with tempfile.TemporaryDirectory() as folder:
        for number, (what, ratios, recorded, cpu, want) in enumerate(cases, 1):
            code, text, _ = run(folder, ratios, recorded, cpu)
            good = code == want and text != ""
            failed += not good
            print("%sok %d - %s" % ("" if good else "not ", number, what))
        _, _, guard = run(folder, {"x": 3.0, "y": 4.0}, {"x": 1.0}, record=True)
        good = guard == {"b": {"avx2": {"x": 3.0}}}
        print("%sok %d - records what it guards" % ("" if good else "not ", len(cases) + 1))
        _, _, guard = run(folder, {"x": 3.0}, {}, "avx512", record=True)
        also = guard["b"]["avx512"] == {"x": 3.0}
        print("%sok %d - records a new CPU" % ("" if also else "not ", len(cases) + 2))
        _, _, guard = run(folder, [{"x": 3.0, "y": 1.0}, {"x": 2.0, "y": 4.0}], {"x": 9.0, "y": 1.0}, record=True)
        worst = guard["b"]["avx2"] == {"x": 3.0, "y": 4.0}
        print("%sok %d - records the worst of several runs" % ("" if worst else "not ", len(cases) + 3))
    return 0 if good and also and worst and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
