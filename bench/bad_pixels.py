"""Bad pixels on simulated scans: how many of the hot and dead ones --mask auto finds, and how many good ones it takes for bad.

docs/method.md, "Bad pixels", shows what it prints. Usage: bad_pixels.py PROGRAM
"""
import json
import pathlib
import subprocess
import sys
import tempfile

SCENES = ["twin-domains", "twin-domains-hard", "ag-tilt", "ag-tilt-hard", "oxide-particle", "single-crystal"]
DOSES = ["1e2", "1e3", "1e4", "1e5", "1e6"]
SIDE = 128
program = sys.argv[1]


def judged(*options):
    """Numbers of hot pixels and those found, of dead ones and those found, and of good ones that were taken for bad."""
    with tempfile.TemporaryDirectory() as folder:
        scan = pathlib.Path(folder) / "scan.npy"
        subprocess.run([program, "simulate", *options, "-o", str(scan)], check=True, stdout=subprocess.DEVNULL)
        told = subprocess.run([program, "info", str(scan), "--pixels", "--json"], check=True, stdout=subprocess.PIPE, text=True)
        found = {p["y"] * SIDE + p["x"] for p in json.loads(told.stdout)["pixels"]["list"]}
        bad = scan.with_name("scan.bad.npy")
        truth = bad.read_bytes()[-SIDE * SIDE:] if bad.exists() else bytes(SIDE * SIDE)
    of = {kind: {i for i, k in enumerate(truth) if k == kind} for kind in (0, 1, 2)}
    return len(of[1]), len(of[1] & found), len(of[2]), len(of[2] & found), len(of[0] & found)


print("| electrons a frame | hot found | dead found | good ones masked | the same scans without faults |")
print("|---|---|---|---|---|")
for dose in DOSES:
    scan = [(scene, "--scan", "32x32", "--seed", "7", "--dose", dose) for scene in SCENES]
    rows = [judged(*s, "--hot-pixels", "0.002", "--dead-pixels", "0.002") for s in scan]
    clean = sum(judged(*s)[4] for s in scan)
    hot, hot_found, dead, dead_found, false = (sum(r[k] for r in rows) for k in range(5))
    print(f"| {dose} | {hot_found} of {hot} | {dead_found} of {dead} | {false} | {clean} |", flush=True)
sharp = 0
for milliradian in ["0", "0.3", "0.6", "1", "3"]:
    for scene in ["twin-domains", "single-crystal", "oxide-particle"]:
        for more in ([], ["--descan", "0", "--tilt", "0"]):
            sharp += judged(scene, "--scan", "20x20", "--seed", "9", "--convergence", milliradian, *more)[4]
print(f"beams of 0 to 3 mrad, 30 scans without faults: {sharp} pixels masked")
