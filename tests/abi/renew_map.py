"""Writes lib/cepman.map: every function that the public headers declare, and nothing else.

Usage: renew_map.py SOURCE_ROOT
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
node = re.match(r"\s*(\w+)\s*\{", re.sub(r"/\*.*?\*/", "", (root / "lib/cepman.map").read_text(), flags=re.S)).group(1)
lines = ["/* What libcepman.so shows. Written from the headers by `ninja renew-symbols`; a test compares them. */",
         f"{node} {{", "global:"]
order = re.findall(r"#include <cepman/(\w+\.h)>", (root / "include/cepman/cepman.h").read_text())
for header in order:
    text = re.sub(r"/\*.*?\*/", "", (root / "include/cepman" / header).read_text(), flags=re.S)
    names = re.findall(r"^CEPMAN_API\b[^;(]*?\b(\w+)\s*\(", text, re.M)
    if names:
        lines.append(f"    /* {header} */")
        lines += [f"    {name};" for name in names]
lines += ["local:", "    *;", "};", ""]
(root / "lib/cepman.map").write_text("\n".join(lines))
