#!/usr/bin/env python3
"""Runs a bench and guards its ratios: run_guarded.py BENCH GUARD.json [ARGUMENTS OF THE BENCH]"""
import os
import subprocess
import sys
import tempfile


def main(program, guard, *more):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.json")
        if subprocess.call([program, *more, "--json", path]):
            return 1
        return subprocess.call([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.py"),
                                guard, path])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
