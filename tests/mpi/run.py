"""Runs each case of a test program under mpirun with 1, 2, 4 (and more) ranks; what the cases print must be the same bits.

Usage: run.py PROGRAM CASE...     Skips when there is no mpirun. A case that hangs is ended after 1000 s.
"""
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent / "support"), str(here)]
from launch import MPIRUN, launch
from tap import Tap

program, cases = sys.argv[1], sys.argv[2:]
RANKS = {"allocations": (1, 2), "small": (1, 2, 4, 7), "graph": (1, 2, 4, 7), "shards": (1, 2, 4, 7), "components": (1, 2, 3, 4)}

tap = Tap()
for case in cases:
    if not MPIRUN:
        tap.skip(case, "mpirun is not installed")
        continue
    said = {}
    for ranks in RANKS.get(case, (1, 2, 4)):
        with tempfile.TemporaryDirectory(prefix="cepman-mpi-") as folder:
            try:
                done = launch(ranks, [program, case, folder], timeout=1000)
                code, out, err = done.returncode, done.stdout, done.stderr
            except subprocess.TimeoutExpired as late:
                code, out, err = "a time-out", "", str(late.stderr)
            tap.check(code == 0, f"{case} on {ranks} ranks", err + f"\nended with {code}")
            said[ranks] = sorted(line for line in out.splitlines() if line.startswith("bits "))
    first = next(iter(said.values()))
    for ranks, lines in said.items():
        if ranks > 1 and first:
            tap.check(lines == first, f"{case}: {len(first)} results of {ranks} ranks are the bits of one",
                      [f"{a}   instead of   {b}" for a, b in zip(lines, first) if a != b] or [f"{len(lines)} results"])
tap.end()
