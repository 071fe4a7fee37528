"""The program cepman-mpi: the chain over ranks, its files, its failures; and beside it what `cepman run` makes of the scan.

Usage: program.py CEPMAN_MPI CEPMAN [EXAMPLE]     EXAMPLE: docs/examples/mpi.c
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent / "support"), str(here)]
from launch import MPIRUN, environment, launch
from tap import Tap

program, cepman = sys.argv[1:3]
tap = Tap()
if not MPIRUN:
    tap.skip("program", "mpirun is not installed")
    tap.end()


def ari(a, b):
    done = subprocess.run([cepman, "score", a, b], stdout=subprocess.PIPE, text=True, env=environment())
    return json.loads(done.stdout)["ari"] if done.returncode == 0 else -1


with tempfile.TemporaryDirectory(prefix="cepman-mpi-program-") as folder:
    folder = pathlib.Path(folder)
    scan = folder / "scan.npy"
    subprocess.run([cepman, "simulate", "oxide-particle", "--scan", "24x26", "--frame", "64", "--pixel", "0.064", "-o", scan],
                   check=True, env=environment())
    options = ["--threads", "1", "--epochs", "100"]
    bits = {}
    for ranks in (1, 2, 4):
        out = folder / f"out{ranks}"
        done = launch(ranks, [program, "run", scan, "-o", out, *options], timeout=10000)
        tap.check(done.returncode == 0 and not done.stderr, f"{ranks} ranks run", done.stderr)
        tap.check(done.stdout.count("\n") == 1 and f"{ranks} ranks" in done.stdout, "one line is said", done.stdout)
        names = sorted(p.name for p in out.iterdir()) if out.exists() else []
        tap.check(names == ["embedding.npy", "labels.npy", "run.json"], "the results are there, and nothing else", names)
        if done.returncode:
            continue
        bits[ranks] = [(out / n).read_bytes() for n in names[:2]]
        said = json.loads((out / "run.json").read_text())
        tap.check(said["machine"]["ranks"] == ranks and said["results"]["fitted"] == 24 * 26, "run.json tells the ranks")
    tap.check(len(bits) == 3 and bits[1] == bits[2] == bits[4], "labels and embedding are the same bits for any number of ranks")

    # One process: the same defaults; its components are summed otherwise, so labels agree as those of two seeds do.
    done = subprocess.run([cepman, "run", scan, "-o", folder / "one", "--consensus", "never", "--report=false", *options],
                          env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.check(done.returncode == 0, "cepman run", done.stdout)
    agreement = ari(folder / "out2/labels.npy", folder / "one/labels.npy")
    tap.check(agreement > 0.95, "labels are those of cepman run", f"adjusted Rand index {agreement}")

    # Landmarks, K-means, one leaf a rank; a stack instead of a scan; no principal components.
    for name, more in {"landmarks": ["--landmarks", "300", "--method", "kmeans", "-k", "3"], "plain": ["--pca", "never"],
                       "region": ["--region", "2:3:4x5"]}.items():
        done = launch(3, [program, "run", scan, "-o", folder / name, *options, *more], timeout=10000)
        tap.check(done.returncode == 0, f"a run with {' '.join(more)}", done.stderr)

    for example in sys.argv[3:]:
        labels = [folder / f"example{ranks}.npy" for ranks in (1, 3)]
        for ranks, out in zip((1, 3), labels):
            done = launch(ranks, [example, scan, out], timeout=1000)
            tap.check(done.returncode == 0 and done.stdout == f"624 frames on {ranks} ranks\n", f"the example on {ranks} ranks",
                      done.stdout + done.stderr)
        tap.check(all(p.exists() for p in labels) and labels[0].read_bytes() == labels[1].read_bytes(),
                  "the example's labels are the same")

    # Failures: one sentence, nothing left behind, the right exit status.
    wrong = {"no such file": ([folder / "none.npy", "-o", folder / "x"], 1, "none.npy"),
             "no output": ([scan], 2, "needs -o"), "an unknown option": ([scan, "-o", folder / "x", "--foo", "1"], 2, "--foo"),
             "an option of the other method": ([scan, "-o", folder / "x", "-k", "3"], 2, "kmeans"),
             "a value out of range": ([scan, "-o", folder / "x", "--neighbors", "1"], 2, "neighbors"),
             "not enough memory": ([scan, "-o", folder / "x", "--memory", "1M"], 1, "memory limit")}
    for what, (words, code, sentence) in wrong.items():
        done = launch(2, [program, "run", *words], timeout=1000)
        own = [line for line in done.stderr.splitlines() if line.startswith("cepman-mpi: ")]
        tap.check(done.returncode == code and len(own) == 1 and sentence in own[0], f"{what}: one sentence, exit {code}",
                  done.stderr + f"\nended with {done.returncode}")
        tap.check(not (folder / "x").exists(), f"{what}: nothing is left behind")
    tap.check("usage: cepman-mpi run FILE" in launch(2, [program, "run", "--help"]).stdout, "help")
    tap.check(launch(2, [program, "--version"]).stdout.startswith("cepman-mpi "), "version")

    # Interrupted in the middle: mpirun hands SIGTERM on to the ranks, which end by themselves and leave nothing.
    run = subprocess.Popen([MPIRUN, "-n", "2", program, "run", scan, "-o", folder / "y", "--epochs", "1000000"],
                           env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(3)
    run.send_signal(signal.SIGTERM)
    try:
        err = run.communicate(timeout=1000)[1]
        tap.check(run.returncode != 0, "an interrupted run fails", err)
    except subprocess.TimeoutExpired:
        run.kill()
        tap.check(False, "an interrupted run ends", "it did not within 1000 s")
    left = list((folder / "y").iterdir()) if (folder / "y").exists() else []
    tap.check(not [p for p in left if p.suffix == ".npy" and not p.name.startswith(".")], "no half-made results", f"{left}")
tap.end()
