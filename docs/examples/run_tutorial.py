"""Runs the tutorial's program on a simulated scan, and on a real file where CEPMAN_TEST_DATA names the folder of some.

Usage: run_tutorial.py TUTORIAL CEPMAN
"""
import os
import pathlib
import subprocess
import sys
import tempfile

tutorial, cepman = sys.argv[1:3]
with tempfile.TemporaryDirectory(prefix="cepman-tutorial-") as folder:
    scan = str(pathlib.Path(folder) / "twins.npy")
    subprocess.run([cepman, "simulate", "twin-domains", "--scan", "20x20", "--frame", "64", "--pixel", "0.064", "-o", scan], check=True)
    files = [scan]
    if os.environ.get("CEPMAN_TEST_DATA"):
        files.append(os.path.join(os.environ["CEPMAN_TEST_DATA"], "blo/test1.blo"))
    else:
        print("skipped: a real file (CEPMAN_TEST_DATA is not set)")
    for name in files:
        found = pathlib.Path(folder) / "found"
        found.mkdir(exist_ok=True)
        done = subprocess.run([tutorial, name, str(found)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        print(done.stdout, done.stderr)
        written = {p.name for p in found.iterdir()}
        if done.returncode or written != {"dark_field.npy", "labels.npy", "mean_frames.npy"} or "clusters" not in done.stdout:
            sys.exit(f"{name}: exit {done.returncode}, wrote {sorted(written)}")
    done = subprocess.run([tutorial, "/nowhere/scan.npy", folder], stderr=subprocess.PIPE, text=True)
    if done.returncode != 1 or "/nowhere/scan.npy" not in done.stderr:
        sys.exit(f"a file that is not there: exit {done.returncode}, said {done.stderr!r}")
