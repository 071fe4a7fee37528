"""What the public headers declare, a letter for each type, for callers that have no C compiler.

The letters: v void, i int and enums, u unsigned, z size_t, d double, q int64_t, Q uint64_t, s const char *, p any other pointer.
"""
import re

TYPES = {"void": "v", "int": "i", "int32_t": "i", "unsigned": "u", "size_t": "z", "double": "d", "int64_t": "q", "uint64_t": "Q"}
# Pointers to functions by name.
FUNCTIONS = {"cepman_destroy", "cepman_log_callback", "cepman_progress_callback", "cepman_cancel_callback"}


def headers(root):
    """The public headers in the order of cepman.h, as (name, text without comments)."""
    include = root / "include/cepman"
    for name in re.findall(r"#include <cepman/(\w+\.h)>", (include / "cepman.h").read_text()):
        yield name, re.sub(r"/\*.*?\*/", "", (include / name).read_text(), flags=re.S)


def declared(text):
    """The names of the functions of one header."""
    return re.findall(r"^CEPMAN_API\b[^;(]*?\b(\w+)\s*\(", text, re.M)


def prototypes(root):
    """{function: letters}, the result's letter first; behind a space what a function makes ("umap"), when that is one handle."""
    texts = list(headers(root))
    enums = {name for _, text in texts for name in re.findall(r"typedef enum (\w+)", text)}

    def letter(words):
        words = words.replace("const ", "").strip()
        if "*" in words:
            return "s" if re.fullmatch(r"char \*\w*", words) else "p"
        base = words.split()[0]
        return "i" if base in enums else "p" if base in FUNCTIONS else TYPES[base]

    found = {}
    for _, text in texts:
        for result, name, arguments in re.findall(r"^CEPMAN_API\s+([^;(]*?)\b(\w+)\s*\(([^;]*)\);", text, re.M):
            result = " ".join(result.split())
            listed = [] if arguments.strip() == "void" else [" ".join(a.split()) for a in arguments.split(",")]
            made = re.fullmatch(r"cepman_(\w+) \*\*\w+", listed[0]) if listed else None
            alone = made and not (len(listed) > 1 and listed[1].startswith("cepman_") and "**" in listed[1])
            found[name] = (letter(result + ("x" if result.endswith("*") else " x")) + "".join(letter(a) for a in listed) +
                           (f" {made.group(1)}" if alone else ""))
    return found


def python_table(root):
    """python/cepman/_prototypes.py."""
    lines = ['"""The functions of the C library. Written from the headers by `ninja renew-symbols`; a test compares them.',
             "", "The result's letter, then one for each argument: v void, i int, u unsigned, z size_t, d double, q int64, Q uint64,",
             's text, p any other pointer; behind a space the kind of handle it makes."""', "", "PROTOTYPES = {"]
    lines += [f'    "{name}": "{letters}",' for name, letters in prototypes(root).items()]
    return "\n".join(lines + ["}", ""])
