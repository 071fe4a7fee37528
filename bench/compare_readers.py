#!/usr/bin/env python3
"""Compares what cepman reads, bit for bit, with what independent readers do.

    python bench/compare_readers.py --cepman build/tools/cepman [--data FOLDER]

Files that NumPy, RosettaSciIO, h5py, hdf5plugin, zarr and py4DSTEM write are made in a temporary folder and read back by
`cepman convert`. With --data (the folder of CEPMAN_TEST_DATA) every real file is compared with RosettaSciIO, ncempy, h5py,
py4DSTEM or LiberTEM, whichever reads it. What a package that is not installed would have done is skipped, and said.
Needs: numpy; rosettasciio h5py hdf5plugin zarr py4DSTEM ncempy libertem as far as they are there.
"""
import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

counts = {"same": 0, "DIFFERENT": 0, "skipped": 0}


def say(what, name, why=""):
    counts[what] += 1
    print("%-10s %s%s" % (what, name, "   " + why if why else ""), flush=True)


def package(name):
    try:
        return importlib.import_module(name)
    except Exception as error:  # some packages fail at import in other ways than ImportError
        raise LookupError("%s is not there (%s)" % (name, type(error).__name__))


class Cepman:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def read(self, path, *options):
        out = os.path.join(self.folder, "out.npy")
        done = subprocess.run([self.program, "convert", path, *options, "-o", out], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return np.load(out)


def compare(cepman, name, path, reader, *options, shape=None):
    """reader() gives the expected array; leading axes may be folded, the frames' order and every bit must agree."""
    try:
        want = np.asarray(reader())
    except LookupError as error:
        return say("skipped", name, str(error))
    except Exception as error:
        return say("skipped", name, "the other reader fails: %s %s" % (type(error).__name__, str(error)[:80]))
    try:
        got = cepman.read(path, *options)
    except RuntimeError as error:
        return say("DIFFERENT", name, str(error))
    if want.dtype == np.bool_ or got.dtype == np.bool_:
        want, got = want.astype(np.uint8), got.astype(np.uint8)
    if want.shape[-2:] != got.shape[-2:] or want.size != got.size:
        return say("DIFFERENT", name, "shape %s, expected %s" % (got.shape, want.shape))
    if shape and got.shape != shape:
        return say("DIFFERENT", name, "shape %s, expected %s" % (got.shape, shape))
    if want.dtype.newbyteorder("=") != got.dtype.newbyteorder("="):
        return say("DIFFERENT", name, "type %s, expected %s" % (got.dtype, want.dtype))
    a = np.ascontiguousarray(want.astype(want.dtype.newbyteorder("=")))
    b = np.ascontiguousarray(got.astype(got.dtype.newbyteorder("=")))
    same = a.tobytes() == b.tobytes()
    say("same" if same else "DIFFERENT", name, "%s %s" % (got.shape, got.dtype))


def rsciio(module, path, index=0, **options):
    return lambda: package("rsciio." + module).file_reader(path, **options)[index]["data"]


def upside_down(reader):
    return lambda: np.asarray(reader())[..., ::-1, :]


def h5(path, name):
    def read():
        package("hdf5plugin")
        with package("h5py").File(path, "r") as f:
            return f[name][()]

    return read


# ---- files that others write ------------------------------------------------------------------------------------------


def axes(shape, navigation):
    units = ["nm"] * navigation + ["1/nm"] * (len(shape) - navigation)
    return [
        dict(name="a%d" % i, size=n, scale=0.5, offset=0.0, units=units[i], navigate=i < navigation, index_in_array=i,
             _type="UniformDataAxis", is_binned=False)
        for i, n in enumerate(shape)
    ]


def signal(data, navigation=2):
    return dict(data=data, axes=axes(data.shape, navigation), metadata={"General": {"title": "t"}, "Signal": {"signal_type": ""}},
                original_metadata={}, tmp_parameters={}, attributes={"_lazy": False, "ragged": False}, learning_results={},
                package_info={"package": "none", "package_version": "0"}, models={})


def written_by_others(cepman, folder):
    rng = np.random.default_rng(7)
    base = rng.integers(0, 60000, (5, 7, 12, 10))

    def at(name):
        return os.path.join(folder, name)

    for descr in "|u1 <u2 >u2 <u4 >i2 |i1 <i4 <i8 >f4 <f4 <f8 <f2 |b1".split():
        data = (base % 2 if descr == "|b1" else base % 100).astype(descr)
        np.save(at("a.npy"), data)
        compare(cepman, "numpy.save " + descr, at("a.npy"), lambda data=data: data, shape=data.shape)

    def attempt(name, write, path, data, *options, shape=None, read=None):
        try:
            write()
        except LookupError as error:
            return say("skipped", name, str(error))
        except Exception as error:
            return say("skipped", name, "the writer failed: %s: %s" % (type(error).__name__, str(error)[:100]))
        compare(cepman, name, path, read or (lambda: data), *options, shape=shape)

    for dtype in ("uint8", "uint16", "float32"):
        data = (base % 250).astype(dtype)
        for chunks in (None, (1, 1, 12, 10), (2, 3, 5, 4), (5, 7, 3, 3)):
            for compression in ("gzip", None, "lzf"):
                path = at("s.hspy")
                attempt("rosettasciio .hspy %s chunks %s %s" % (dtype, chunks, compression),
                        lambda: package("rsciio.hspy").file_writer(path, signal(data), chunks=chunks, compression=compression),
                        path, data, shape=data.shape)
            path = at("s_%s_%s.zspy" % (dtype, chunks and chunks[0] + chunks[3]))
            attempt("rosettasciio .zspy %s chunks %s" % (dtype, chunks),
                    lambda: package("rsciio.zspy").file_writer(path, signal(data), chunks=chunks), path, data, shape=data.shape)
    square = (base[..., :10, :] % 256).astype(np.uint8)
    attempt("rosettasciio .blo", lambda: package("rsciio.blockfile").file_writer(at("s.blo"), signal(square)), at("s.blo"), square,
            shape=square.shape)
    for version in (2,):  # RosettaSciIO cannot read the version 1 that it writes: the images' headers are too long
        data = (base % 30000).astype(np.uint16).reshape(35, 12, 10)
        attempt("rosettasciio .tvips version %d" % version,
                lambda: package("rsciio.tvips").file_writer(at("v%d_000.tvips" % version), signal(data, 1), version=version,
                                                            max_file_size=6000),
                at("v%d_000.tvips" % version), data)
    data = base.astype(np.uint16)
    attempt("rosettasciio NCEM .emd", lambda: package("rsciio.emd").file_writer(at("n.emd"), signal(data)), at("n.emd"),
            data.transpose(3, 2, 1, 0), read=lambda: first_array(at("n.emd")))
    attempt("rosettasciio .nxs", lambda: package("rsciio.nexus").file_writer(at("n.nxs"), signal(data)), at("n.nxs"), data)

    def h5py_file(path, data, **how):
        with package("h5py").File(path, "w") as f:
            f.create_dataset("some/where", data=data, **how)

    for chunks in (None, True, (1, 1, 12, 10), (2, 3, 12, 10), (5, 7, 2, 3), (1, 1, 4, 4), (4, 4, 12, 10)):
        for how in ({}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"shuffle": True}, {"compression": "lzf"},
                    {"fletcher32": True}, {"compression": "gzip", "shuffle": True, "fletcher32": True}):
            if chunks is None and how:
                continue
            for dtype in ("<u2", ">f4"):
                typed = base.astype(dtype)
                attempt("h5py %s chunks %s %s" % (dtype, chunks, how),
                        lambda: h5py_file(at("h.h5"), typed, chunks=chunks, **how), at("h.h5"), typed, shape=typed.shape)
    for name, filters in (("Bitshuffle", {"cname": "lz4"}), ("Blosc", {"cname": "lz4"}), ("Blosc", {"cname": "zstd", "shuffle": 2}),
                          ("Blosc", {"cname": "blosclz", "shuffle": 0})):
        for chunks in ((1, 1, 12, 10), (2, 3, 12, 10), (3, 2, 5, 4)):
            attempt("hdf5plugin %s %s chunks %s" % (name, filters, chunks),
                    lambda: h5py_file(at("p.h5"), data, chunks=chunks, compression=getattr(package("hdf5plugin"), name)(**filters)),
                    at("p.h5"), data, shape=data.shape)

    def matlab(path):
        with package("h5py").File(path, "w", userblock_size=512) as f:
            f.create_dataset("scan", data=data, chunks=(1, 1, 12, 10), compression="gzip")
        with open(path, "r+b") as f:
            f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))

    attempt("h5py with MATLAB's block of 512 bytes", lambda: matlab(at("m.mat")), at("m.mat"), data, shape=data.shape)

    def py4dstem(path):
        py = package("py4DSTEM")
        py.save(path, py.DataCube(data=data), mode="o")

    attempt("py4DSTEM.save", lambda: py4dstem(at("p4.h5")), at("p4.h5"), data, shape=data.shape)

    def zarr_array(path, data, chunks, compressor, **more):
        zarr = package("zarr")
        z = zarr.create_array(store=path, shape=data.shape, chunks=chunks, dtype=data.dtype, zarr_format=2,
                              compressors=compressor, overwrite=True, **more)
        z[...] = data

    def codec(name, **how):
        return getattr(package("numcodecs"), name)(**how)

    k = 0
    for label, make in (("none", lambda: None), ("zlib", lambda: codec("Zlib", level=2)), ("gzip", lambda: codec("GZip", level=2)),
                        ("zstd", lambda: codec("Zstd", level=3)), ("lz4", lambda: codec("LZ4")),
                        ("blosc lz4", lambda: codec("Blosc", cname="lz4", shuffle=1)),
                        ("blosc zstd bits", lambda: codec("Blosc", cname="zstd", shuffle=2))):
        for chunks in ((1, 1, 12, 10), (2, 3, 5, 4), (4, 4, 12, 10)):
            for dtype in ("<u2", ">f4"):
                typed, k = base.astype(dtype), k + 1
                path = at("z%d.zarr" % k)
                attempt("zarr %s %s chunks %s" % (dtype, label, chunks), lambda: zarr_array(path, typed, chunks, make()), path, typed,
                        shape=typed.shape)


def first_array(path):
    """The one array of four axes, as h5py gives it."""
    found = []
    with package("h5py").File(path, "r") as f:
        f.visititems(lambda name, o: found.append(name) if getattr(o, "ndim", 0) == 4 else None)
        return f[found[0]][()]


# ---- real files -------------------------------------------------------------------------------------------------------


def libertem(path):
    def read():
        api = package("libertem.api")
        with api.Context.make_with("inline") as ctx:
            ds = ctx.load("mib", path=path.replace(".mib", ".hdr") if os.path.exists(path.replace(".mib", ".hdr")) else path)
            return ctx.run_udf(dataset=ds, udf=package("libertem.udf.raw").PickUDF())["intensity"].data

    return read


def real_files(cepman, data):
    def at(name):
        return os.path.join(data, name)

    def each(folder, *endings):
        return sorted(n for n in os.listdir(at(folder)) if n.endswith(endings)) if os.path.isdir(at(folder)) else []

    for name in each("blo", ".blo"):
        compare(cepman, name + " (rosettasciio)", at("blo/" + name), rsciio("blockfile", at("blo/" + name)))
    for name in each("mib", ".mib"):
        path = at("mib/" + name)
        if "RAW" not in name:  # RosettaSciIO turns the frames upside down, as its documentation says
            compare(cepman, name + " (rosettasciio)", path, upside_down(rsciio("quantumdetector", path)))
        compare(cepman, name + " (LiberTEM)", path, libertem(path))
    for name in each("dm", ".dm4", ".dm3"):
        path = at("dm/" + name)
        options = ()

        def ncem(path=path):
            return package("ncempy.io.dm").dmReader(path)["data"]

        if "EELS" in name:
            try:
                cepman.read(path)
                say("DIFFERENT", name, "a spectrum image was read as frames")
            except RuntimeError as error:
                say("same", name + " (refused, as it is a spectrum image)", str(error)[-80:])
            continue
        compare(cepman, name + " (ncempy)", path, ncem, *options)
        compare(cepman, name + " (rosettasciio)", path, rsciio("digitalmicrograph", path), *options)
    path = at("emd/py4DSTEM_size2x3x4x5.h5")
    if os.path.exists(path):
        compare(cepman, "py4DSTEM_size2x3x4x5.h5 (h5py)", path, h5(path, "datacube_root/datacube/data"), shape=(2, 3, 4, 5))
        compare(cepman, "py4DSTEM_size2x3x4x5.h5 (py4DSTEM)", path, lambda: package("py4DSTEM").read(path).data, shape=(2, 3, 4, 5))
    path = at("arina/test_00_master.h5")
    if os.path.exists(path):
        compare(cepman, "test_00_master.h5 (h5py with hdf5plugin)", path, h5(path, "entry/data/data_000001"))
        compare(cepman, "test_00_master.h5 (rosettasciio)", path, lambda: np.asarray(
            rsciio("arina", path, navigation_shape=(4, 4))()).astype(np.uint32), "--scan-columns", "4")
    path = at("hspy/pixelated_stem_test_4d_bool.hdf5")
    if os.path.exists(path):
        compare(cepman, "pixelated_stem_test_4d_bool.hdf5 (rosettasciio)", path, rsciio("hspy", path))
    for name in each("prismatic", ".emd"):
        path = at("prismatic/" + name)
        with package("h5py").File(path, "r") as f:
            found = []
            f.visititems(lambda n, o: found.append(n) if getattr(o, "ndim", 0) == 4 else None)
        if found:
            compare(cepman, name + " (h5py)", path, h5(path, sorted(found)[0]), "--dataset", sorted(found)[0])
        else:
            say("skipped", name, "no array of four axes: not a scan of frames")
    for name in each("nexus", ".nxs"):
        path = at("nexus/" + name)
        with package("h5py").File(path, "r") as f:
            found = []
            f.visititems(lambda n, o: found.append(n)
                         if getattr(o, "ndim", 0) in (3, 4) and o.dtype.kind in "uif" and o.size else None)
        if not found:
            say("skipped", name, "no array of three or four axes: not a scan of frames")
        for inner in found:
            compare(cepman, name + " " + inner + " (h5py)", path, h5(path, inner), "--dataset", inner)
    for raw, record in (("scan_x4_y4.raw", "map4x4.xml"), ("series_x10.raw", "stack_images.xml")):
        if os.path.exists(at("empad/" + raw)):
            compare(cepman, raw + " (rosettasciio)", at("empad/" + raw), rsciio("empad", at("empad/" + record)))
    path = at("bitshuffle/regression_0.4.0.h5")
    if os.path.exists(path):
        with package("h5py").File(path, "r") as f:
            names = [n for n in f["compressed"] if f["compressed"][n].ndim >= 2]
        say("skipped", "regression_0.4.0.h5", "%d of its arrays have frames; tests/dataset/test_hdf5_chunks.c compares them all"
            % len(names))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cepman", required=True)
    parser.add_argument("--data", default=os.environ.get("CEPMAN_TEST_DATA"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cepman = Cepman(os.path.abspath(given.cepman), folder)
        written_by_others(cepman, folder)
        if given.data:
            real_files(cepman, given.data)
        else:
            print("real files are skipped: --data or CEPMAN_TEST_DATA names no folder")
    print(json.dumps(counts))
    return 1 if counts["DIFFERENT"] else 0


if __name__ == "__main__":
    sys.exit(main())
