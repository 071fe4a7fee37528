"""Compares the library's ABI with the one that is checked in (tests/abi/cepman-SOVERSION.abi), by libabigail.

Usage: baseline.py SOURCE_ROOT SOVERSION LIBRARY            the check
       baseline.py SOURCE_ROOT SOVERSION LIBRARY --renew    adds to the baseline (docs/abi.md says when)
"""
import pathlib
import platform
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

root, soversion, library = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
renew = sys.argv[4:] == ["--renew"]
baseline = root / "tests/abi" / f"cepman-{soversion}.abi"
HEADERS = ["--headers-dir", str(root / "include")]
PLAIN = ["--no-show-locs", "--no-comp-dir-path", "--no-corpus-path", "--no-elf-needed", "--drop-private-types", "--drop-undefined-syms"]


def unusable():
    """Why the ABI cannot be read here, or None."""
    if platform.machine() != "x86_64":
        return "the baseline is for x86_64"
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        return "libabigail (abigail-tools) is not installed"
    sections = subprocess.run(["readelf", "-SW", library], stdout=subprocess.PIPE, text=True).stdout
    return None if ".debug_info" in sections else "the library has no debug information"


reason = unusable()
if renew:
    if reason:
        sys.exit(f"not renewed: {reason}")
    if baseline.exists():
        changed = subprocess.run(["abidiff", "--no-added-syms", str(baseline), library], stdout=subprocess.PIPE, text=True)
        if changed.returncode:
            sys.exit(f"not renewed: programs would break; a new soversion begins a new baseline\n{changed.stdout}")
    subprocess.run(["abidw", *HEADERS, *PLAIN, "--out-file", str(baseline), library], check=True)
    # Paths as in the source tree, wherever it was built.
    text = re.sub(r"path='[^']*?((?:lib|include)/[^']*)'", r"path='\1'", baseline.read_text())
    baseline.write_text(text)
    print(f"wrote {baseline}")
    sys.exit(0)

tap = Tap()
if reason:
    tap.skip("ABI baseline", reason)
    tap.end()
if not tap.check(baseline.exists(), f"{baseline.name} is checked in"):
    tap.end()
done = subprocess.run(["abidiff", "--no-added-syms", str(baseline), library],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
tap.check(done.returncode == 0, "nothing a program relies on has changed or gone",
          done.stdout.splitlines() + [f"abidiff ended with {done.returncode}; docs/abi.md says what to do"])
known = set(re.findall(r"elf-symbol name='([^']+)'", baseline.read_text()))
shown = {line.split()[-1].split("@")[0] for line in
         subprocess.run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE, text=True).stdout.splitlines()
         if " A " not in line}
tap.check(shown <= known, "the baseline knows every function", sorted(shown - known))
tap.end()
