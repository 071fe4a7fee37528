#!/usr/bin/env python3
"""The guard itself: passes what is as fast, fails what is slower, missing or not a number, records, and lets a bench run again."""
import json
import os
import subprocess
import sys
import tempfile

GUARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.py")
GUARDED = os.path.join(os.path.dirname(GUARD), "run_guarded.py")
# A bench whose runs have the ratios of ratios.json beside it, one after the other; it fails when there are none left.
BENCH = """#!/bin/sh
exec "%s" -c '
import json, sys
with open(sys.argv[1]) as f: left = json.load(f)
with open(sys.argv[1], "w") as f: json.dump(left[1:], f)
with open(sys.argv[3], "w") as f: json.dump({"bench": "b", "cpu": "avx2", "ratios": left[0]}, f)
' "$(dirname "$0")/ratios.json" "$@" 2> /dev/null
"""


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


def again(folder, runs):
    """Exit status of a guarded bench whose runs have these ratios, and how many of them it took."""
    bench, ratios, guard = (os.path.join(folder, name) for name in ("bench", "ratios.json", "guard.json"))
    with open(bench, "w") as f:
        f.write(BENCH % sys.executable)
    os.chmod(bench, 0o755)
    with open(ratios, "w") as f:
        json.dump(runs, f)
    with open(guard, "w") as f:
        json.dump({"b": {"avx2": {"x": 1.0, "y": 1.0}}}, f)
    code = subprocess.call([sys.executable, GUARDED, bench, guard], stdout=subprocess.DEVNULL)
    with open(ratios) as f:
        return code, len(runs) - len(json.load(f))


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
    fine, slow, half, other = {"x": 1, "y": 1}, {"x": 2, "y": 2}, {"x": 1, "y": 2}, {"x": 2, "y": 1}
    repeats = [
        ("a good run is enough", [fine, slow], 0, 1),
        ("slow for a moment", [slow, slow, fine], 0, 3),
        ("slow every time", [slow, slow, slow, fine], 1, 3),
        ("each ratio good once", [half, other], 0, 2),
        ("one ratio slow every time", [half, half, half, other], 1, 3),
        ("missing at first", [{"x": 1}, fine], 0, 2),
        ("a bench that fails", [], 1, 0),
    ]
    failed = 0
    print("1..%d" % (len(cases) + 3 + len(repeats)))
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
        for number, (what, runs, want, took) in enumerate(repeats, len(cases) + 4):
            found = again(folder, runs) == (want, took)
            failed += not found
            print("%sok %d - again: %s" % ("" if found else "not ", number, what))
    return 0 if good and also and worst and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
