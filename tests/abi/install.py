"""Installs into a staging folder and builds pkgconfig/consumer there from pkg-config alone: shared, static, C++.

The build tree's library has a run path that the installed one lacks, so only the installed one is tested here.
Usage: install.py SOURCE_ROOT BUILD_ROOT KINDS [MESON...]     KINDS: shared, static or both
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from staged import Staged
from tap import Tap

root, build, kinds = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
meson = sys.argv[4:] or ["meson"]
tap = Tap()
if not shutil.which("pkg-config"):
    tap.skip("install", "pkg-config is not installed")
    tap.end()

with tempfile.TemporaryDirectory(prefix="cepman-install-") as folder:
    staged = Staged(tap, folder, build, meson)
    if not staged.ok:
        tap.end()
    stage, pc, text, prefix = staged.tree, staged.pc, staged.text, staged.prefix
    tap.check(str(root) not in text and str(build) not in text, "cepman.pc names no folder of the build", text)
    tap.check(re.search(r"^Requires\.private:.*\bfftw3f\b.*\bopenblas\b.*\blapacke\b", text, re.M) is not None,
              "what a static link needs is Requires.private", text)
    tap.check(re.search(r"^Requires:", text, re.M) is None, "a shared link requires no other package", text)
    headers = sorted(p.name for p in (staged.include / "cepman").glob("*"))
    expected = sorted(p.name for p in (root / "include/cepman").glob("*.h*"))
    tap.check(headers == expected, "every public header is installed, and nothing else",
              [f"installed: {headers}", f"expected: {expected}"])

    env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent), PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="")
    for name in ("LD_LIBRARY_PATH", "CFLAGS", "LDFLAGS", "CPPFLAGS", "CXXFLAGS"):
        env.pop(name, None)

    def flags(*arguments):
        out = tap.run("pkg-config " + " ".join(arguments), ["pkg-config", *arguments, "cepman"], env=env)
        return shlex.split(out or "")

    compilers = [("c", "c11", c) for c in ("gcc", "clang") if shutil.which(c)]
    compilers += [("c++", "c++17", c) for c in ("g++", "clang++") if shutil.which(c)]
    if not compilers:
        compilers = [("c", "c11", "cc")]
    sources = {"c": root / "pkgconfig/consumer/consumer.c", "c++": root / "pkgconfig/consumer/consumer.cpp"}
    said = {}

    def build_and_run(kind, libdir, link):
        for language, standard, compiler in compilers:
            program = pathlib.Path(folder) / f"consumer-{kind}-{compiler}"
            command = [compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", str(sources[language]),
                       *flags("--cflags"), *link, "-o", str(program)]
            if tap.run(f"{kind} consumer builds with {compiler}", command, env=env) is None:
                continue
            done = subprocess.run([str(program)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env=dict(env, LD_LIBRARY_PATH=str(libdir)))
            tap.check(done.returncode == 0 and not done.stderr, f"{kind} consumer built with {compiler} runs",
                      done.stdout + done.stderr + f"ended with {done.returncode}")
            said[f"{kind} {compiler}"] = done.stdout
            linked = subprocess.run(["readelf", "-d", str(program)], stdout=subprocess.PIPE, text=True).stdout
            tap.check(("libcepman.so" in linked) == (kind == "shared"),
                      f"{kind} consumer of {compiler} {'needs' if kind == 'shared' else 'does without'} libcepman.so", linked)

    libdir = staged.libdir
    if kinds in ("shared", "both"):
        real = sorted(p.name for p in libdir.glob("libcepman.so*"))
        tap.check(len(real) == 3 and (libdir / "libcepman.so").is_symlink(),
                  "the library is installed under its name, its SONAME and its version", f"{real}")
        dynamic = subprocess.run(["readelf", "-d", str(libdir / "libcepman.so")], stdout=subprocess.PIPE, text=True).stdout
        tap.check("RPATH" not in dynamic and "RUNPATH" not in dynamic, "the installed library has no run path", dynamic)
        link = flags("--libs")
        tap.check(not [x for x in link if "fftw" in x or "blas" in x or "lapack" in x],
                  "a shared link takes -lcepman alone", f"{link}")
        build_and_run("shared", libdir, link)
        program = stage / prefix[1:] / "bin" / "cepman"
        if program.exists():
            out = tap.run("the installed cepman runs", [str(program), "--version"],
                          env=dict(env, LD_LIBRARY_PATH=str(libdir)))
            tap.check(out is not None and staged.version in out, "cepman --version gives cepman.pc's version", out or "")
            for name in ("man/man1/cepman.1", "bash-completion/completions/cepman"):
                tap.check((stage / prefix[1:] / "share" / name).is_file(), f"share/{name} is installed")
    if kinds in ("static", "both"):
        tap.check((libdir / "libcepman.a").exists(), "the archive is installed")
        for shared in libdir.glob("libcepman.so*"):
            shared.unlink()  # -lcepman now finds the archive
        build_and_run("static", libdir, flags("--libs", "--static"))
    tap.check(len(set(said.values())) == 1 and all(said.values()), "every consumer says the same",
              [f"{k}: {v}" for k, v in said.items()])
tap.end()
