"""Holds the option tables to their documentation: the header that declares them, and docs/options.md.

Usage: options.py SOURCE_ROOT PROGRAM            the check; PROGRAM prints the tables (options.c)
       options.py SOURCE_ROOT PROGRAM --renew    writes docs/options.md anew
"""
import math
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

root = pathlib.Path(sys.argv[1])
page = root / "docs/options.md"
FIELDS = ["header", "function", "kind", "name", "type", "minimum", "maximum", "default", "words", "help"]
done = subprocess.run([sys.argv[2]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
rows = [dict(zip(FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]
for row in rows:
    row["minimum"], row["maximum"] = float(row["minimum"]), float(row["maximum"])


def number(v):
    if math.isinf(v):
        return "any" if v < 0 else "no bound"
    if abs(v) >= 2 ** 53 - 1:
        return ("-" if v < 0 else "") + "2^53"
    return f"{v:.10g}"


def bounds(row):
    if row["type"] == "choice":
        return row["words"].replace("|", ", ")
    if row["type"] in ("flag", "text"):
        return ""
    return f"{number(row['minimum'])} to {number(row['maximum'])}" + (f", or {row['words']}" if row["words"] else "")


def markdown():
    lines = ["# Options", "",
             "Every option of every stage, from the tables in the library: `ninja renew-options` writes this page and a test",
             "holds it to them. The program has flags of the same names (`--min-dist 0.1`; docs/commands.md).",
             "`cepman_options_parse()` takes each value as it is written here. How to set options from C: `cepman/options.h`."]
    for function in dict.fromkeys(row["function"] for row in rows):
        mine = [row for row in rows if row["function"] == function]
        lines += ["", f"## {mine[0]['kind']}", "", f"`{function}()` in `{mine[0]['header']}`", "",
                  "| option | type | default | values | |", "|---|---|---|---|---|"]
        for row in mine:
            cells = [f"`{row['name']}`", row["type"], row["default"] or "(empty)", bounds(row), row["help"]]
            lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


if sys.argv[3:] == ["--renew"]:
    if done.returncode != 0:
        sys.exit(done.stderr)
    page.write_text(markdown())
    print(f"wrote {page}")
    sys.exit(0)

tap = Tap()
tap.check(done.returncode == 0 and rows, "every stage makes its options, and takes its own defaults", done.stderr)
kinds = {}
for row in rows:
    kinds.setdefault(row["kind"], set()).add(row["function"])
tap.check(all(len(f) == 1 for f in kinds.values()), "kinds differ", f"{kinds}")
for function in dict.fromkeys(row["function"] for row in rows):
    mine = [row for row in rows if row["function"] == function]
    names = [row["name"] for row in mine]
    bad = []
    # The comment above the function that makes them, and the rest of the header.
    text = (root / "include" / mine[0]["header"]).read_text()
    comments = " ".join(re.findall(r"/\*.*?\*/", text, re.S))
    if f'"{mine[0]["kind"]}"' not in comments:
        bad.append(f'the header does not say: kind "{mine[0]["kind"]}"')
    for row in mine:
        name = row["name"]
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            bad.append(f"{name}: words and dashes")
        if names.count(name) > 1:
            bad.append(f"{name}: twice")
        if not re.search(r"(?<![\w-])" + re.escape(name) + r"(?![\w-])", comments):
            bad.append(f"{name}: not in the comments of {row['header']}")
        if not row["help"] or len(row["help"]) > 200 or "\n" in row["help"]:
            bad.append(f"{name}: one line of help is needed")
        if row["type"] in ("integer", "real"):
            if not row["minimum"] <= row["maximum"]:
                bad.append(f"{name}: bounds {row['minimum']} to {row['maximum']}")
            if row["default"] != row["words"] and not row["minimum"] <= float(row["default"]) <= row["maximum"]:
                bad.append(f"{name}: default {row['default']} outside its bounds")
            if "|" in row["words"]:
                bad.append(f"{name}: a number has one word at most")
        if row["type"] == "choice":
            words = row["words"].split("|")
            if row["default"] not in words or len(set(words)) != len(words) or not all(words):
                bad.append(f"{name}: words {words}")
    tap.check(not bad, f"{function}: table and header agree", bad)
tap.check(page.exists() and page.read_text() == markdown(), "docs/options.md is as the tables are",
          "run: ninja -C BUILD renew-options")
tap.end()
