"""Writes the manual page cepman.1 from what the program says of itself.

Usage: man.py PROGRAM COMMANDS.md OUTPUT     COMMANDS.md: docs/commands.md, whose head tells what all commands share
"""
import pathlib
import re
import subprocess
import sys

program, page, output = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def say(*words):
    return subprocess.run([program, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def literal(text):
    return ".nf\n" + escape(text.rstrip("\n")) + "\n.fi\n"


def prose(text):
    """Paragraphs of Markdown: code, bold, links and blocks of code; no more is used there."""
    out = []
    for i, part in enumerate(re.split(r"^```\w*\n(.*?)^```\n", text, flags=re.M | re.S)):
        if i % 2:
            out.append(".PP\n.RS 4\n" + literal(part) + ".RE\n")
            continue
        for paragraph in filter(None, (p.strip() for p in part.split("\n\n"))):
            line = escape(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split())))
            line = re.sub(r"\*\*(.*?)\*\*", r"\\fB\1\\fP", line)
            out.append(".PP\n" + re.sub(r"`(.*?)`", r"\\fI\1\\fP", line) + "\n")
    return "".join(out)


def common_of(text):
    return text[text.index("options of every command:"):]


overview = say("--help")
version = overview.split()[1].rstrip(":")
commands = re.findall(r"^  ([a-z]+) +(.*)$", overview, flags=re.M)
head = re.sub(r"^#.*\n", "", page.read_text().split("<!--")[0], count=1)
parts = [f'.TH CEPMAN 1 "" "libcepman {version}" "User Commands"\n',
         ".SH NAME\ncepman \\- finds structure in nanobeam 4D\\-STEM scans\n",
         ".SH SYNOPSIS\n.B cepman\n.I COMMAND\n[files] [options]\n",
         ".SH DESCRIPTION\n" + prose(head)]
parts.append(".SH COMMANDS\n" + "".join(f".TP\n.B {n}\n{escape(s)}\n" for n, s in commands))
common = ""
for name, _ in commands:
    text = say(name, "--help")
    common = common_of(text)
    parts.append(f".SH {name.upper()}\n" + literal(text[:text.index(common)]))
parts.append(".SH OPTIONS OF EVERY COMMAND\n" + literal(common.split("\n", 1)[1]))
parts.append(".SH EXIT STATUS\n0 good, 1 failed or stopped, 2 wrong usage.\n")
output.write_text("".join(parts))
