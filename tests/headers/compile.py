"""Every public header alone is valid C11 and C++17, pedantic and without a warning, for every compiler there is.

Usage: compile.py INCLUDE_DIR
"""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

include = pathlib.Path(sys.argv[1])
tap = Tap()
warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Wconversion", "-Werror", "-fsyntax-only"]
languages = [
    ("c", "c11", ["gcc", "clang"], ["-Wstrict-prototypes"]),
    ("c", "gnu17", ["gcc", "clang"], ["-Wstrict-prototypes"]),
    ("c++", "c++17", ["g++", "clang++"], ["-Wnon-virtual-dtor"]),
]
for language, standard, compilers, more in languages:
    for compiler in compilers:
        if not shutil.which(compiler):
            tap.skip(f"{compiler} -std={standard}", f"{compiler} is not installed")
            continue
        extra = [include / "cepman/cepman.hpp"] if language == "c++" else []
        for header in sorted(include.glob("cepman/*.h")) + extra:
            # Twice: include guards must hold.
            text = f"#include <cepman/{header.name}>\n#include <cepman/{header.name}>\nint x;\n"
            done = subprocess.run([compiler, "-x", language, f"-std={standard}", *warnings, *more, "-I", str(include),
                                   "-"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            tap.check(done.returncode == 0, f"{header.name} alone, {compiler} -std={standard}", done.stdout)

umbrella = (include / "cepman" / "cepman.h").read_text()
for header in sorted(include.glob("cepman/*.h")):
    text = header.read_text()
    name = "CEPMAN_" + header.stem.upper() + "_H"
    tap.check(f"#ifndef {name}\n#define {name}\n" in text, f"{header.name} has the guard {name}")
    tap.check(text.startswith("/* "), f"{header.name} opens with a comment")
    if header.name != "cepman.h":
        tap.check(f"#include <cepman/{header.name}>" in umbrella, f"cepman.h includes {header.name}")
    if "CEPMAN_API" in text and header.name not in ("export.h",):
        tap.check("CEPMAN_BEGIN\n" in text and "CEPMAN_END\n" in text, f"{header.name} has C linkage in C++")
tap.end()
