"""Holds docs/commands.md to the program: below its marker stands what `cepman COMMAND --help` says.

Usage: commands_doc.py PROGRAM SOURCE_ROOT            compares (TAP)
       commands_doc.py PROGRAM SOURCE_ROOT --renew    writes it anew

The options of stages are left to docs/options.md; here each command names its stages.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

program, root = sys.argv[1], pathlib.Path(sys.argv[2])
path = root / "docs/commands.md"
MARK = "<!-- From here on written by `ninja -C build renew-commands`. -->\n"


def say(*words):
    return subprocess.run([program, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def section(name):
    """The help of a command: its stages are named, the options of every command are not repeated."""
    parts = re.split(r"^(?=options of )", say(name, "--help"), flags=re.M)
    stages = [re.match(r"options of stage (\S+):", p).group(1) for p in parts if p.startswith("options of stage ")]
    text = f"## {name}\n\n```\n{parts[0].strip()}\n```\n"
    if stages:
        text += "\nStages: " + ", ".join(f"[{s}](options.md#{s})" for s in stages) + ".\n"
    return text


names = re.findall(r"^  ([a-z]+) ", say("--help"), flags=re.M)
common = re.search(r"^options of every command:\n(.*)", say(names[0], "--help"), flags=re.M | re.S).group(1).rstrip()
made = MARK + "\n" + "\n".join(section(n) for n in names) + f"\n## Options of every command\n\n```\n{common}\n```\n"
old = path.read_text() if path.exists() else ""
head, _, tail = old.partition(MARK)
if sys.argv[3:] == ["--renew"]:
    path.write_text(head + made)
else:
    tap = Tap()
    tap.check(MARK + tail == made, "docs/commands.md says what the program says",
              "docs/commands.md is behind the program: `ninja -C build renew-commands` writes it anew")
    tap.end()
