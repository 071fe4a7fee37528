"""Public headers as Doxygen wants them: our comments stand before a declaration, or before a block of them.

A comment belongs to every declaration that follows it without an empty line or another comment between; behind a declaration
on its line, to that one. _ref and _unref functions without words of their own are all alike.
Usage: filter.py HEADER
"""
import pathlib
import re
import sys

REF = "/** Adds a reference to the handle and returns it. Atomic: from any thread. NULL gives NULL. */\n"
UNREF = "/** Gives a reference back; the last one ends the handle. Atomic: from any thread. NULL is allowed. */\n"

text = pathlib.Path(sys.argv[1]).read_text()
text = re.sub(r"\A/\* (.*?)\*/", lambda m: "/** \\file\n * " + m.group(1) + "*/", text, flags=re.S)
text = re.sub(r"^/\* -{4}.*-{4} \*/$", "", text, flags=re.M)
# Behind a declaration, an enumerator or a member.
text = re.sub(r"(?<=\S)( +)/\* (.*?)\*/(?=\n)", r"\1/**< \2*/", text, flags=re.S)
# In a struct, an enum or above a macro list.
text = re.sub(r"^( +)/\* ", r"\1/** ", text, flags=re.M)

# Lists by macro are written out.
rows = re.findall(r'^    X\((\w+), (-?\d+), "([^"]*)"\)', text, flags=re.M)
listed = "".join(f"    {name} = {value}, /**< {words} */\n" for name, value, words in rows)
text = re.sub(r"^#define CEPMAN_\w+_ENUM.*?^#undef CEPMAN_\w+_ENUM\n", lambda _: listed, text, flags=re.M | re.S)

token = re.compile(r"(?P<comment>^/\*(?!\*<)(?: |\*).*?\*/\n)|(?P<empty>^[ \t]*\n)|"
                   r"(?P<api>^CEPMAN_API [^;]*;[^\n]*\n)|(?P<block>^typedef (?:struct|enum) \w+ \{.*?^\} \w+;\n)|"
                   r"(?P<type>^typedef [^{]*?;[^\n]*\n)|(?P<define>^#define CEPMAN_\w+[^\n]*(?:\\\n[^\n]*)*\n)|(?P<other>^[^\n]*\n)",
                   flags=re.M | re.S)
out, governing = [], ""
for found in token.finditer(text):
    piece, kind = found.group(), found.lastgroup
    if kind == "comment":
        governing = piece if piece.startswith("/**") else "/**" + piece[2:]
        if "\\file" in governing:
            out.append(governing)
            governing = ""
        continue
    if kind in ("empty", "other"):
        governing = "" if kind == "empty" else governing
        out.append(piece)
        continue
    if kind == "block" and "typedef struct" in piece:  # what the members mean stands above the struct
        piece = re.sub(r"^( +[^/\n]*;)$", r"\1 /**< See the struct's own words. */", piece, flags=re.M)
    name = re.search(r"(\w+)\s*\(", piece) if kind == "api" else None
    name = name.group(1) if name else ""
    words = governing
    if "/**<" in piece and kind == "api":
        words = ""
    elif name.endswith("_unref") and (not words or "unref" not in words and "reference back" not in words):
        words = UNREF
    elif name.endswith("_ref") and not re.search(r"\bref\b|Shared|[Aa]nother reference", words):
        words = REF
    out.append(words + piece)
sys.stdout.write("".join(out))
