"""Writes tests/abi/releases/cepman-VERSION.h: the public headers as they are now, in one file without comments.

Once, when a version is released; docs/abi.md says so. A file that is there is never written again.
Usage: freeze.py SOURCE_ROOT VERSION
"""
import pathlib
import re
import sys

from prototypes import headers

root, version = pathlib.Path(sys.argv[1]), sys.argv[2]
target = root / f"tests/abi/releases/cepman-{version}.h"
if target.exists():
    sys.exit(f"{target} is there: a release does not change")
lines = [f"/* The interface of libcepman {version}, frozen: what programs of that time were compiled with. Long: all headers in one. */"]
system = set()
for _, text in headers(root):
    system.update(re.findall(r"^#include (<(?!cepman/)[^>]+>)", text, re.M))
    text = re.sub(r"^#include .*\n", "", text, flags=re.M)
    lines.append(re.sub(r"\n\s*\n+", "\n", text).strip())
lines[1:1] = [f"#include {name}" for name in sorted(system)]
target.write_text("\n".join(lines) + "\n")
print(f"wrote {target}")
