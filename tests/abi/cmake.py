"""CMake programs that find the installed library by find_package(cepman): shared, static, wrong versions.

Usage: cmake.py SOURCE_ROOT BUILD_ROOT KINDS [MESON...]     KINDS: shared, static or both
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from staged import Staged
from tap import Tap

root, build, kinds, meson = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:] or ["meson"]
tap = Tap()
if not shutil.which("cmake"):
    tap.skip("cmake", "cmake is not installed")
    tap.end()

PROJECT = """cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES {languages})
find_package(cepman {wanted})
add_executable(consumer {source})
target_link_libraries(consumer PRIVATE cepman::cepman)
"""
with tempfile.TemporaryDirectory(prefix="cepman-cmake-") as folder:
    staged = Staged(tap, folder, build, meson)
    if not staged.ok:
        tap.end()
    files = sorted(staged.libdir.glob("cmake/cepman/*"))
    tap.check(len(files) == 2, "the CMake package is installed", f"{files}")
    for file in files:
        text = file.read_text()
        tap.check("@" not in text and str(root) not in text and str(build) not in text,
                  f"{file.name} names no folder of the build and leaves nothing unfilled", text)
    env = {k: v for k, v in os.environ.items()
           if k not in ("CFLAGS", "CXXFLAGS", "LDFLAGS", "CPPFLAGS", "PKG_CONFIG_PATH", "LD_LIBRARY_PATH", "DESTDIR")}

    def configure(name, wanted, language="C", source="consumer.c"):
        """A project's build folder, and what CMake said; the status is its exit code."""
        where = pathlib.Path(folder) / name
        where.mkdir()
        (where / "CMakeLists.txt").write_text(PROJECT.format(
            languages=language, wanted=wanted, source=root / "pkgconfig/consumer" / source))
        done = subprocess.run(["cmake", "-S", str(where), "-B", str(where / "build"),
                               f"-DCMAKE_PREFIX_PATH={staged.tree}{staged.prefix}",
                               "-DCMAKE_CXX_STANDARD=17", "-DCMAKE_FIND_PACKAGE_PREFER_CONFIG=ON"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
        return where / "build", done

    def consumer(name, wanted, language, source, needs_so):
        where, done = configure(name, wanted, language, source)
        if not tap.check(done.returncode == 0, f"{name}: find_package({'cepman ' + wanted})", done.stdout):
            return None
        if tap.run(f"{name}: builds", ["cmake", "--build", str(where)], env=env) is None:
            return None
        linked = subprocess.run(["readelf", "-d", str(where / "consumer")], stdout=subprocess.PIPE, text=True).stdout
        tap.check(("libcepman.so" in linked) == needs_so, f"{name}: {'needs' if needs_so else 'does without'} libcepman.so",
                  linked)
        return tap.run(f"{name}: runs", [str(where / "consumer")], env=env)

    said = []
    version = ".".join(staged.version.split(".")[:2])
    if kinds in ("shared", "both"):
        said.append(consumer("shared-c", f"{version} REQUIRED", "C", "consumer.c", True))
        said.append(consumer("shared-cpp", f"{version} REQUIRED", "CXX", "consumer.cpp", True))
    if kinds in ("static", "both"):
        said.append(consumer("static-c", f"{version} REQUIRED COMPONENTS static", "C", "consumer.c", False))
    tap.check(len(set(said)) == 1 and said[0], "every consumer says the same", [f"{s}" for s in said])
    for name, wanted in (("newer", "999.0 REQUIRED"), ("component", f"{version} REQUIRED COMPONENTS gpu")):
        _, done = configure(name, wanted)
        tap.check(done.returncode != 0 and "cepman" in done.stdout, f"{name}: find_package(cepman {wanted}) is refused", done.stdout)
tap.end()
