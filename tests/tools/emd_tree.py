"""What `cepman convert` and `cepman run` write as EMD 1.0, seen by h5py; skipped where h5py is not there.

The attributes are those that emdfile (py4DSTEM) and rosettasciio (HyperSpy) look for. Usage: emd_tree.py PROGRAM
"""
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy
except ImportError:
    print("1..0 # SKIP no h5py")
    sys.exit(0)

program = sys.argv[1]
number = 0


def check(good, what):
    global number
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {what}")


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def run(*words):
    return subprocess.run([program, *words], capture_output=True, text=True)


def attributes(node):
    return {key: text(value) for key, value in node.attrs.items()}


def main(folder):
    def at(name):
        return os.path.join(folder, name)

    random = numpy.random.default_rng(3)
    scan = random.integers(0, 60000, (6, 7, 10, 12)).astype(numpy.uint16)
    labels = random.integers(-1, 4, (6, 7)).astype(numpy.int32)
    place = random.normal(size=(42, 3)).astype(numpy.float32)
    strength = random.random(42).astype(numpy.float32)
    for name, array in [("s", scan), ("l", labels), ("e", place), ("p", strength)]:
        numpy.save(at(name + ".npy"), array)
    result = run("convert", at("s.npy"), "-o", at("s.h5"), "--labels", at("l.npy"), "--embedding", at("e.npy"),
                 "--probabilities", at("p.npy"), "--scan-step", "2", "--reciprocal-pixel", "0.03")
    if "built without HDF5" in result.stderr:
        print("1..0 # SKIP built without HDF5")
        return
    check(result.returncode == 0 and not result.stderr, "convert")
    with h5py.File(at("s.h5"), "r") as file:
        head = attributes(file)
        check((head["emd_group_type"], head["version_major"], head["version_minor"]) == ("file", 1, 0), "head")
        root = file["cepman"]
        check(attributes(root) == {"emd_group_type": "root", "python_class": "Root"}, "root")
        cube = root["datacube"]
        check(attributes(cube) == {"emd_group_type": "array", "python_class": "DataCube"}, "cube")
        check(cube["data"].dtype == scan.dtype and (cube["data"][...] == scan).all(), "frames")
        check(cube["data"].chunks == (1, 1, 10, 12), "a chunk a frame")
        axes = [(text(cube[f"dim{i}"].attrs["name"]), text(cube[f"dim{i}"].attrs["units"]), list(cube[f"dim{i}"]))
                for i in range(4)]
        check(axes == [("Rx", "nm", [0, 2]), ("Ry", "nm", [0, 2]), ("Qx", "A^-1", [0, 0.03]),
                       ("Qy", "A^-1", [0, 0.03])], "axes")
        calibration = root["metadatabundle/calibration"]
        check(calibration["R_pixel_size"][()] == 2 and calibration["Q_pixel_size"][()] == 0.03
              and text(calibration["Q_pixel_units"][()]) == "A^-1"
              and text(calibration["_target_paths/0"][()]) == "/datacube", "calibration")
        check((root["labels/data"][...] == labels).all(), "labels")
        check((root["embedding/data"][...] == place.reshape(6, 7, 3)).all(), "embedding")
        check((root["probabilities/data"][...] == strength.reshape(6, 7)).all(), "probabilities")
    back = run("convert", at("s.h5"), "-o", at("back.npy"))
    check(back.returncode == 0 and (numpy.load(at("back.npy")) == scan).all(), "and back")
    numpy.save(at("short.npy"), labels[:5])
    bad = run("convert", at("s.npy"), "-o", at("bad.h5"), "--labels", at("short.npy"))
    check(bad.returncode == 1 and "35 labels, expected 42" in bad.stderr and not os.path.exists(at("bad.h5")),
          "labels that do not fit")
    bad = run("convert", at("s.npy"), "-o", at("bad.npy"), "--labels", at("l.npy"))
    check(bad.returncode == 2 and "--labels" in bad.stderr, "results need HDF5")
    made = run("run", at("s.npy"), "-o", at("out"), "--hdf5", "results", "--epochs", "5", "--pca", "never")
    check(made.returncode == 0, "run " + made.stderr.strip())
    with h5py.File(at("out/results.h5"), "r") as file:
        root = file["cepman"]
        check(sorted(root) == ["embedding", "labels", "probabilities"], "results alone")
        check((root["labels/data"][...] == numpy.load(at("out/labels.npy"))).all()
              and (root["embedding/data"][...].reshape(42, -1) == numpy.load(at("out/embedding.npy"))).all()
              and (root["probabilities/data"][...].ravel() == numpy.load(at("out/probabilities.npy"))).all(),
              "the results of the run")
    made = run("run", at("s.npy"), "-o", at("all"), "--hdf5", "frames", "--epochs", "5", "--method", "kmeans", "--k", "2")
    check(made.returncode == 0, "run with frames " + made.stderr.strip())
    with h5py.File(at("all/results.h5"), "r") as file:
        check(sorted(file["cepman"]) == ["datacube", "embedding", "labels", "metadatabundle"], "with the frames")
    print(f"1..{number}")


with tempfile.TemporaryDirectory() as folder:
    main(folder)
