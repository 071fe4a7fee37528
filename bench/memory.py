"""Whether --memory is kept: the largest resident size of `cepman run` under limits, on a simulated scan of 256 x 256 frames
of 64 x 64 (half a gigabyte), or the sentence that says what would be needed.

Usage: memory.py PROGRAM [LIMIT ...] (default 64M 128M 256M 512M 1G). Needs NumPy and a gigabyte in TMPDIR. Beyond the limit
come the program and its libraries and what OpenBLAS and FFTW take for themselves: the line "no scan" has them.
"""
import os
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
limits = sys.argv[2:] or ["64M", "128M", "256M", "512M", "1G"]
UNITS = {"M": 1 << 20, "G": 1 << 30}


def scan(folder):
    """64 x 64 frames are simulated, and shown 16 times, each time with counts of its own. In a process of its own: a child
    starts with the largest resident size of its parent."""
    import numpy
    small, large = os.path.join(folder, "small.npy"), os.path.join(folder, "scan.npy")
    subprocess.run([program, "simulate", "twin-domains", "--scan", "64x64", "--frame", "64", "--pixel", "0.064", "-o", small],
                   check=True, stdout=subprocess.DEVNULL)
    frames = numpy.load(small)
    whole = numpy.lib.format.open_memmap(large, "w+", frames.dtype, (256, 256, 64, 64))
    random = numpy.random.default_rng(1)
    for i in range(16):
        y, x = 64 * (i // 4), 64 * (i % 4)
        more = random.integers(0, 3, frames.shape, dtype=numpy.uint8)
        whole[y:y + 64, x:x + 64] = numpy.minimum(frames + more.astype(numpy.uint32), 65535)
    del whole


def run(words):
    """Exit code, what it said, largest resident size in bytes, seconds."""
    start = time.monotonic()
    child = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, said.strip(), usage.ru_maxrss * 1024, time.monotonic() - start


def main(folder):
    subprocess.run([sys.executable, __file__, program, "--make", folder], check=True)
    large = os.path.join(folder, "scan.npy")
    base = run(["--version"])[2]
    print(f"no scan: {base / 1e6:.1f} MB resident")
    bad = 0
    for limit in limits:
        code, said, resident, seconds = run(["run", large, "--memory", limit, "--threads", "2", "--epochs", "50",
                                             "-o", os.path.join(folder, "out-" + limit)])
        allowed = int(limit[:-1]) * UNITS[limit[-1]]
        over = (resident - base) / allowed - 1
        bad += over > 0.1
        print(f"--memory {limit}: {resident / 1e6:.1f} MB resident, {(resident - base) / 1e6:.1f} MB beyond the program: "
              f"{100 * over:+.1f} % of the limit; {seconds:.0f} s; " + ("done" if code == 0 else said), flush=True)
    return bad > 0


if __name__ == "__main__":
    if limits[0] == "--make":
        scan(limits[1])
        sys.exit(0)
    with tempfile.TemporaryDirectory() as where:
        sys.exit(main(where))
