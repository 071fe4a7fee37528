"""Programs of older releases run with today's library.

A program is compiled with the frozen header of each release in tests/abi/releases and linked with a library of that release's
names alone, so that it has in it what a binary of that time has: sizes, values, prototypes, symbol versions. Then it runs with
the library of this build.
Usage: older.py SOURCE_ROOT SOVERSION LIBRARY
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

root, soversion, library = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
tap = Tap()
here = root / "tests/abi"
compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
releases = sorted(here.glob(f"releases/cepman-{soversion}.*.h"))
if not compiler:
    tap.skip("older programs", "there is no C compiler")
    tap.end()
tap.check(releases, f"there is a release of soversion {soversion}")
for header in releases:
    version = header.name.removeprefix("cepman-").removesuffix(".h")
    names = re.findall(r"^CEPMAN_API\b[^;(]*?\b(cepman_\w+)\s*\(", header.read_text(), re.M)
    with tempfile.TemporaryDirectory(prefix="cepman-older-") as folder:
        old = pathlib.Path(folder)
        (old / "names.c").write_text("".join(f"void {n}(void) {{}}\n" for n in names))
        (old / "names.map").write_text(f"CEPMAN_{soversion} {{ global: " + " ".join(f"{n};" for n in names) + " local: *; };\n")
        stub = tap.run(f"{version}: its names", [compiler, "-shared", "-fPIC", f"-Wl,-soname,libcepman.so.{soversion}",
                                                 f"-Wl,--version-script,{old / 'names.map'}", str(old / "names.c"), "-o",
                                                 str(old / "libcepman.so")])
        if stub is None:
            continue
        program = old / "older"
        if tap.run(f"{version}: a program", [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", f'-DRELEASE="{header}"',
                                             str(here / "older.c"), f"-L{old}", "-lcepman", "-lm", "-o", str(program)]) is None:
            continue
        (old / "now").mkdir()
        (old / "now" / f"libcepman.so.{soversion}").symlink_to(library)
        done = subprocess.run([str(program)], env=dict(os.environ, LD_LIBRARY_PATH=str(old / "now")), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        tap.check(done.returncode == 0 and "all is as it was" in done.stdout, f"{version}: it runs with today's library", done.stdout)
        binding = subprocess.run([str(program)], env=dict(os.environ, LD_LIBRARY_PATH=str(old / "now"), LD_BIND_NOW="1"),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        tap.check(binding.returncode == 0, f"{version}: every name it uses is there", binding.stderr)
tap.end()
