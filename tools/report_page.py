"""The page of report.html as C: its text cut at @NAME@, @DATA@ and @RUN@, with the hashes of its script and style.

Usage: report_page.py PAGE.html OUTPUT.h
"""
import base64
import hashlib
import pathlib
import re
import sys

source, target = map(pathlib.Path, sys.argv[1:3])
page = source.read_text(encoding="utf-8")


def allowed(tag):
    """What the policy says of the one element of this kind: its SHA-256, so that nothing else of the kind runs."""
    inner, = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.S)
    return "'sha256-" + base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode() + "'"


page = page.replace("@STYLE-HASH@", allowed("style")).replace("@SCRIPT-HASH@", allowed("script"))
parts = re.split(r"@(NAME|DATA|RUN)@", page)
lines = [f"/* From {source.name}. */"]
rows = []
for i in range(0, len(parts), 2):
    data = parts[i].encode()
    gap = parts[i + 1][0] if i + 1 < len(parts) else "-"
    lines.append(f"static const unsigned char report_page_{i // 2}[] = {{")
    lines += [",".join(map(str, data[k:k + 40])) + "," for k in range(0, len(data), 40)]
    lines.append("};")
    rows.append(f"    {{report_page_{i // 2}, sizeof report_page_{i // 2}, '{gap}'}},")
lines += ["static const struct {", "    const unsigned char *text;", "    size_t length;", "    char gap; /* what follows */",
          "} report_page[] = {"] + rows + ["};", ""]
target.write_text("\n".join(lines))
