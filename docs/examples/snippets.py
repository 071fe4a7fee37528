"""The C of the documentation's pages is in the programs beside it, line by line, so that it compiles and runs.

Usage: snippets.py SOURCE_ROOT PAGE...
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root / "tests/support"))
from tap import Tap

tap = Tap()


def bare(text):
    """Lines without indentation, none of them empty."""
    return "\n".join(filter(None, (line.strip() for line in text.splitlines())))


programs = {p.name: bare(p.read_text()) for p in (root / "docs/examples").glob("*.c*")}
for page in sys.argv[2:]:
    blocks = re.findall(r"^```c\n(.*?)^```$", (root / page).read_text(), flags=re.M | re.S)
    tap.check(blocks, f"{page} has programs in it")
    for number, block in enumerate(blocks, 1):
        tap.check(any(bare(block) in text for text in programs.values()), f"{page}: block {number} is a part of an example", block)
tap.end()
