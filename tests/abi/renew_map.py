"""Writes what is made of the public headers: lib/cepman.map and python/cepman/_prototypes.py.

Usage: renew_map.py SOURCE_ROOT
"""
import pathlib
import re
import sys

from prototypes import declared, headers, python_table

root = pathlib.Path(sys.argv[1])
node = re.match(r"\s*(\w+)\s*\{", re.sub(r"/\*.*?\*/", "", (root / "lib/cepman.map").read_text(), flags=re.S)).group(1)
lines = ["/* What libcepman.so shows. Written from the headers by `ninja renew-symbols`; a test compares them. */",
         f"{node} {{", "global:"]
for header, text in headers(root):
    names = declared(text)
    if names:
        lines.append(f"    /* {header} */")
        lines += [f"    {name};" for name in names]
lines += ["local:", "    *;", "};", ""]
(root / "lib/cepman.map").write_text("\n".join(lines))
(root / "python/cepman/_prototypes.py").write_text(python_table(root))
