"""Runs the Python package's tests, as TAP, with an interpreter that has NumPy: from the tree, then as pip installs it.

Usage: run.py PYTHON_FOLDER LIBRARY VERSION SONAME
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

folder, library, version, soname = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
sys.path.insert(0, str(folder.parent / "tests/support"))
from tap import Tap

tap = Tap()
texts = {name: (folder / name).read_text() for name in ("pyproject.toml", "cepman/__init__.py", "cepman/_library.py")}
tap.check(f'version = "{version}"' in texts["pyproject.toml"] and f'__version__ = "{version}"' in texts["cepman/__init__.py"],
          f"the package has the library's version, {version}")
tap.check(f'SONAME = "{soname}"' in texts["cepman/_library.py"], f"it looks for {soname}")


def has(python, *modules):
    return subprocess.run([python, "-c", "import " + ", ".join(modules)], stderr=subprocess.DEVNULL).returncode == 0


found = dict.fromkeys(filter(None, [sys.executable, shutil.which("python3"), "/usr/bin/python3"]))
python = next((p for p in found if pathlib.Path(p).exists() and has(p, "numpy")), None)
if not python:
    tap.skip("python", "no python3 has numpy")
    tap.end()
env = dict(os.environ, CEPMAN_LIBRARY=library, PYTHONDONTWRITEBYTECODE="1")


def tests(name, path):
    done = subprocess.run([python, "-W", "default", str(folder / "tests/test_cepman.py"), "-v"],
                          env=dict(env, PYTHONPATH=str(path)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for case, result in re.findall(r"^(test_\w+) .*\.\.\. (.*)$", done.stdout, flags=re.M):
        if result.startswith("skipped"):
            tap.skip(f"{name}: {case}", result)
        else:
            tap.check(result == "ok", f"{name}: {case}", done.stdout)
    tap.check(done.returncode == 0 and "Ran " in done.stdout, f"{name}: all of them", done.stdout)


tests("tree", folder)
if has(python, "setuptools", "pip", "wheel"):
    with tempfile.TemporaryDirectory(prefix="cepman-python-") as where:
        source = pathlib.Path(where) / "source"
        shutil.copytree(folder, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
        target = pathlib.Path(where) / "site"
        if tap.run("pip installs it", [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps",
                                       "--target", str(target), str(source)], env=env) is not None:
            tests("installed", target)
else:
    tap.skip("installed", "this python3 has no pip, setuptools and wheel")
tap.end()
