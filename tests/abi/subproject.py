"""A small meson project that has cepman as a subproject: set up, built and run in a temporary folder.

Usage: subproject.py SOURCE_ROOT [MESON...]
"""
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

root, meson = pathlib.Path(sys.argv[1]), sys.argv[2:] or ["meson"]
tap = Tap()
HOST = """project('host', 'c', default_options : ['default_library=shared', 'optimization=0', 'buildtype=plain'])
cepman_dep = dependency('cepman', fallback : 'cepman', version : '>=1.0')
test('host', executable('host', 'consumer.c', dependencies : cepman_dep))
"""
with tempfile.TemporaryDirectory(prefix="cepman-host-") as folder:
    host = pathlib.Path(folder) / "host"
    (host / "subprojects").mkdir(parents=True)
    (host / "subprojects/cepman").symlink_to(root, target_is_directory=True)
    (host / "meson.build").write_text(HOST)
    shutil.copy(root / "pkgconfig/consumer/consumer.c", host)
    env = {k: v for k, v in os.environ.items() if not k.startswith("MESON") and k not in ("DESTDIR", "CFLAGS", "LDFLAGS")}
    build = str(host / "build")
    out = tap.run("set up", [*meson, "setup", build, str(host), "--wrap-mode=nodownload", "--force-fallback-for=cepman"], env=env)
    if out is not None:
        tap.check("Dependency cepman found: YES" in out, "the host finds the dependency 'cepman'", out)
        tap.check("Dependency check found" not in out and "libpng" not in out,
                  "as a subproject it needs neither check nor libpng", out)
        if tap.run("build", ["ninja", "-C", build, "-j2"], env=env) is not None:
            tap.run("run", [*meson, "test", "-C", build, "--no-rebuild"], env=env)
            tap.check(not list(pathlib.Path(build).rglob("test_exec_*")), "as a subproject it builds no tests")
tap.end()
