#!/usr/bin/env python3
"""Peak memory of a pass over files of growing size, which are sparse: what is read needs no disk.

    python tests/tools/sparse_memory.py build/tools/cepman [FOLDER]

A pass of `cepman images --what mean` over .npy scans of 100 MB and 20 GB, and of a region of one of 110 GB. Fails when a
large file takes more than 16 MB above the small one. Not run by default: it takes minutes.
"""
import os
import subprocess
import sys
import tempfile
import time


def sparse(path, rows, columns, height=256, width=256):
    head = "{'descr': '<u2', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }" % (rows, columns, height, width)
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00v\x00" + head.encode().ljust(117) + b"\n")
        f.truncate(128 + 2 * rows * columns * height * width)


def peak(program, path, folder, *more):
    start = time.time()
    child = subprocess.Popen([program, "images", path, "--what", "mean", "-o", os.path.join(folder, "o.npy"), *more],
                             stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit("%s failed" % path)
    return usage.ru_maxrss / 1024, time.time() - start


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        path, small = os.path.join(folder, "s.npy"), None
        for rows, columns, more in ((20, 40, ()), (400, 400, ()), (920, 920, ("--region", "900:900:8x8"))):
            sparse(path, rows, columns)
            size = os.path.getsize(path) / 1e9
            megabytes, seconds = peak(program, path, folder, *more)
            print("%8.2f GB %s: peak %.1f MB, %.1f s" % (size, " ".join(more) or "whole", megabytes, seconds), flush=True)
            small = small or megabytes
            if megabytes > small + 16:
                sys.exit("more memory than the small file took")


if __name__ == "__main__":
    main()
