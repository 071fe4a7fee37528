"""libcepman-mpi as it is installed: a program built from its pkg-config file alone, and the names it shows and uses.

Usage: installed.py SOURCE_ROOT BUILD_ROOT KIND [MESON...]     KIND: shared, static or both
"""
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here.parent / "support"), str(here.parent / "abi"), str(here)]
from launch import MPIRUN, environment, launch
from staged import Staged
from tap import Tap

root, build, kind = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
meson = sys.argv[4:] or ["meson"]
tap = Tap()
# What a library may not do to its host, or to the other ranks.
FORBIDDEN = re.compile(r"^(abort|_?exit|(__)?(v?printf|v?fprintf|puts)(_chk)?|malloc|calloc|realloc|free|getenv|setlocale|"
                       r"P?MPI_(Abort|Init|Init_thread|Finalize)|cep_.*)$")


def tool(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


with tempfile.TemporaryDirectory(prefix="cepman-mpi-installed-") as folder:
    staged = Staged(tap, folder, build, meson)
    if not staged.ok or not shutil.which("pkg-config"):
        tap.end()
    header = staged.include / "cepman-mpi/cepman_mpi.h"
    tap.check(header.exists(), "cepman-mpi/cepman_mpi.h is installed")
    pc = staged.pc.parent / "cepman-mpi.pc"
    text = pc.read_text()
    tap.check(str(root) not in text and str(build) not in text, "cepman-mpi.pc names no folder of the build", text)
    tap.check(re.search(r"^Requires:.*\bcepman\b", text, re.M) is not None, "cepman-mpi.pc requires cepman", text)
    pc.write_text(re.sub(r"^prefix=.*$", lambda m: f"prefix={staged.tree}{m.group(0)[7:]}", text, flags=re.M))
    env = dict(environment(), PKG_CONFIG_PATH=str(pc.parent))
    declared = set(re.findall(r"^CEPMAN_MPI_API\b[^;(]*?\b(cepman_mpi_\w+)\s*\(", header.read_text(), re.M))
    if kind != "static":
        library = staged.libdir / "libcepman-mpi.so"
        shown = {w.split("@")[0] for line in tool("nm", "-D", "--defined-only", str(library)).splitlines()
                 for kind_, w in [line.split()[-2:]] if kind_ == "T"}
        tap.check(shown == declared, "the library shows what its header declares",
                  [f"only shown: {sorted(shown - declared)}", f"only declared: {sorted(declared - shown)}"])
        wanted = {w.split("@")[0] for w in tool("nm", "-D", "--undefined-only", str(library)).split()}
        bad = sorted(w for w in wanted if FORBIDDEN.match(w))
        tap.check(not bad, "it ends nothing, prints nothing, starts no MPI and takes memory from the context alone", bad)
        dynamic = tool("readelf", "-dW", str(library))
        tap.check(re.findall(r"SONAME.*\[(.*)\]", dynamic) == ["libcepman-mpi.so.1"], "SONAME is libcepman-mpi.so.1", dynamic)
        tap.check("RPATH" not in dynamic and "RUNPATH" not in dynamic, "no run path", dynamic)
    for how in ["shared", "static"] if kind == "both" else [kind]:
        static = ["--static"] if how == "static" else []
        if static:
            for shared in staged.libdir.glob("libcepman*.so*"):
                shared.unlink()  # -lcepman now finds the archives
        flags = [shlex.split(tap.run(f"pkg-config {x} ({how})", ["pkg-config", *y, "cepman-mpi"], env=env) or "")
                 for x, y in (("--cflags", ["--cflags"]), ("--libs", ["--libs", *static]))]
        program = pathlib.Path(folder) / f"consumer-{how}"
        made = tap.run(f"a {how} consumer builds", ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", *flags[0],
                                                    str(root / "pkgconfig/consumer/consumer_mpi.c"), *flags[1], "-o",
                                                    str(program)], env=env)
        if made is None:
            continue
        if not MPIRUN:
            tap.skip(f"a {how} consumer runs", "mpirun is not installed")
            continue
        done = launch(2, ["env", f"LD_LIBRARY_PATH={staged.libdir}", program], timeout=1000)
        tap.check(done.returncode == 0 and done.stdout == f"{staged.version}: 40 rows on 2 ranks\n",
                  f"a {how} consumer runs on 2 ranks", done.stdout + done.stderr)
tap.end()
