"""Writes a C source with the list of all functions that make options, read from the public headers.

Usage: option_tables.py INCLUDE_DIR OUTPUT.h
"""
import pathlib
import re
import sys

include, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
rows = []
for header in re.findall(r"#include <(cepman/\w+\.h)>", (include / "cepman/cepman.h").read_text()):
    text = re.sub(r"/\*.*?\*/", "", (include / header).read_text(), flags=re.S)
    rows += [f'    {{"{header}", "{name}", {name}}},' for name in
             re.findall(r"^CEPMAN_API\b[^;(]*?\b(cepman_\w*options_create)\s*\(", text, re.M)]
output.write_text("\n".join(["/* Generated from the public headers. */", "static const struct option_table {",
                             "    const char *header, *function;",
                             "    cepman_status (*create)(cepman_options **out, cepman_context *context);",
                             "} option_tables[] = {", *rows, "};", ""]))
