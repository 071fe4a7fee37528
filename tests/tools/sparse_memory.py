#!/usr/bin/env python3
"""Peak memory of a pass over files of growing size, which are sparse: what is read needs no disk.

    python tests/tools/sparse_memory.py build/tools/cepman [FOLDER]

A pass of `cepman images --what mean` over .npy scans of 100 MB and 20 GB, and of a region of one of 110 GB; the same of .dm4
scans, of which the large one is 56 GB (52 GiB). Fails when a large file takes more than 16 MB above the small one. Not run by
default: it takes minutes.
"""
import os
import struct
import subprocess
import sys
import tempfile
import time


def sparse(path, rows, columns, height=256, width=256):
    head = "{'descr': '<u2', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }" % (rows, columns, height, width)
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00v\x00" + head.encode().ljust(117) + b"\n")
        f.truncate(128 + 2 * rows * columns * height * width)


def tag(name, content):
    return struct.pack(">BH", 21, len(name)) + name + struct.pack(">Q", len(content)) + content


def number(name, value):
    return tag(name, b"%%%%" + struct.pack(">QQ", 1, 5) + struct.pack("<I", value))


def folder_of(name, *parts, more=0):
    content = struct.pack(">BBQ", 1, 0, len(parts)) + b"".join(parts)
    return struct.pack(">BH", 20, len(name)) + name + struct.pack(">Q", len(content) + more) + content


def sparse_dm4(path, rows, columns, height=256, width=256):
    """A Gatan file whose data are its last tag."""
    count = rows * columns * height * width
    data = b"%%%%" + struct.pack(">QQQQ", 3, 20, 4, count)
    data = struct.pack(">BH", 21, 4) + b"Data" + struct.pack(">Q", len(data) + 2 * count) + data
    image = folder_of(b"ImageData", number(b"DataType", 10), number(b"PixelDepth", 2),
                      folder_of(b"Dimensions", *(number(b"", n) for n in (width, height, columns, rows))), data, more=2 * count)
    images = folder_of(b"ImageList", folder_of(b"", image, more=2 * count), more=2 * count)
    root = struct.pack(">BBQ", 1, 0, 1) + images
    with open(path, "wb") as f:
        f.write(struct.pack(">IQI", 4, len(root) + 2 * count, 1) + root)
        f.truncate(f.tell() + 2 * count)


def peak(program, path, folder, *more):
    start = time.time()
    child = subprocess.Popen([program, "images", path, "--what", "mean", "-o", os.path.join(folder, "o.npy"), *more],
                             stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit("%s failed" % path)
    return usage.ru_maxrss / 1024, time.time() - start


def main():
    program, gatan = os.path.abspath(sys.argv[1]), ("--dm-order", "detector")
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        for suffix, write, sizes in ((".npy", sparse, ((20, 40, ()), (400, 400, ()), (920, 920, ("--region", "900:900:8x8")))),
                                     (".dm4", sparse_dm4, ((20, 40, gatan), (653, 653, gatan)))):
            path, small = os.path.join(folder, "s" + suffix), None
            for rows, columns, more in sizes:
                write(path, rows, columns)
                size = os.path.getsize(path) / 1e9
                megabytes, seconds = peak(program, path, folder, *more)
                print("%8.2f GB %s %s: peak %.1f MB, %.1f s" % (size, suffix, " ".join(more) or "whole", megabytes, seconds),
                      flush=True)
                small = small or megabytes
                if megabytes > small + 16:
                    sys.exit("more memory than the small file took")
            os.remove(path)


if __name__ == "__main__":
    main()
