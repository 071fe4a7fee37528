"""A page of the documentation as Doxygen's Markdown wants it.

Code blocks keep their language as {.c}; a title gets no duplicate of its anchor.
Usage: pages.py PAGE.md
"""
import pathlib
import re
import sys

path = pathlib.Path(sys.argv[1])
text = path.read_text()
text = re.sub(r"^```(\w+)$", r"```{.\1}", text, flags=re.M)
text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.S)
if path.name == "README.md":
    title = {"python": "# Python", "docs": "# Pages"}.get(path.parent.name, "# Start here")
    text = re.sub(r"^# .*$", title, text, count=1, flags=re.M)
sys.stdout.write(text)
