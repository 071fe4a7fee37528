"""The house rules that text can show: floors, doors, head comments, file lengths.

The build enforces the arrows with include folders; this reads the #include lines and enforces them again.
Usage: layers.py SOURCE_ROOT
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

# Written out here a second time, on purpose: a change of floors must be made twice.
FLOORS = [
    ["base"],
    ["matrix", "exec", "kernels", "fft", "linalg"],
    ["dataset"],
    ["cepstrum", "neighbors", "pca", "maps", "simulate"],
    ["umap", "vae", "cluster"],
]
# The rooms that own public headers; base/ and cluster/ have several topics, the others one.
PUBLIC = {
    "export.h": "base", "version.h": "base", "status.h": "base", "context.h": "base", "options.h": "base",
    "matrix.h": "matrix", "dataset.h": "dataset", "cepstrum.h": "cepstrum", "pca.h": "pca",
    "neighbors.h": "neighbors", "maps.h": "maps", "simulate.h": "simulate", "umap.h": "umap", "vae.h": "vae",
    "kmeans.h": "cluster", "mixture.h": "cluster", "hierarchy.h": "cluster", "hdbscan.h": "cluster", "consensus.h": "cluster", "domains.h": "cluster", "validity.h": "cluster",
}
# System headers that one room alone may see.
ONLY_IN = {"fftw3.h": "fft", "cblas.h": "linalg", "hdf5.h": "dataset", "lapacke.h": "linalg", "lapack.h": "linalg",
           "immintrin.h": "kernels", "omp.h": None, "complex.h": None, "setjmp.h": None}
LONG = 500

FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
root = pathlib.Path(sys.argv[1])
tap = Tap()
include_line = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def includes(path):
    return [(kind == "<", name) for kind, name in include_line.findall(path.read_text())]


def head_comment(text):
    return text[2:text.index("*/")] if text.startswith("/*") and "*/" in text else None


def lower(room):
    return {r for r in FLOOR if FLOOR[r] < FLOOR[room]}


def check_room_file(path, room, private):
    """Complaints about one file's includes. private: headers of its own folder(s) it may see."""
    bad = []
    for system, name in includes(path):
        if system and name.startswith("cepman/"):
            owner = PUBLIC.get(name[7:])
            if owner is None:
                bad.append(f"<{name}>: no room owns it")
            elif owner != room and owner not in lower(room):
                bad.append(f"<{name}> belongs to {owner}/, which is not below {room}/")
        elif system:
            if name in ONLY_IN and ONLY_IN[name] != room:
                bad.append(f"<{name}> is for {ONLY_IN[name] or 'no room'}/")
        elif "/" in name:
            bad.append(f'"{name}": doors are included by their bare name')
        elif name not in private and name not in {f"{r}.h" for r in lower(room)}:
            bad.append(f'"{name}" is neither in {room}/ nor the door of a lower floor')
    return bad


# ---- floors and doors ----------------------------------------------------------------------------------------
rooms = sorted(p.name for p in (root / "lib").iterdir() if p.is_dir())
tap.check(rooms == sorted(FLOOR), "the rooms of lib/ are those of the floors", [f"lib/: {rooms}", f"floors: {sorted(FLOOR)}"])
built = re.search(r"^floors = \[\n(.*?)^\]", (root / "lib/meson.build").read_text(), re.M | re.S)
built_floors = [re.findall(r"'(\w+)'", line) for line in built.group(1).splitlines() if "'" in line] if built else None
tap.check(built_floors == FLOORS, "lib/meson.build has the same floors", f"{built_floors}")
headers = sorted(p.name for p in (root / "include/cepman").glob("*.h") if p.name != "cepman.h")
tap.check(headers == sorted(PUBLIC), "every public header has its room",
          [f"include/cepman: {headers}", f"known: {sorted(PUBLIC)}"])

for room in rooms:
    files = sorted((root / "lib" / room).rglob("*.[ch]"))
    private = {p.name for p in files if p.suffix == ".h"}
    if any(p.suffix == ".c" for p in files):
        tap.check(f"{room}.h" in private, f"lib/{room} has its door {room}.h")
        tests = list((root / "tests" / room).glob("test_*.c"))
        tap.check(tests != [], f"lib/{room} has tests in tests/{room}")
    clash = private & {f"{r}.h" for r in FLOOR if r != room}
    tap.check(not clash, f"lib/{room} hides no other room's door", f"{clash}")
    for path in files:
        bad = check_room_file(path, room, private)
        tap.check(not bad, f"{path.relative_to(root)}: arrows point down", bad)

for header, room in sorted(PUBLIC.items()):
    path = root / "include/cepman" / header
    if not path.exists():
        continue
    bad = [f"<{n}>" for s, n in includes(path) if s and n.startswith("cepman/")
           and PUBLIC.get(n[7:]) != room and PUBLIC.get(n[7:]) not in lower(room)]
    bad += [f'"{n}"' for s, n in includes(path) if not s]
    bad += [f"<{n}>" for s, n in includes(path) if s and not n.startswith("cepman/") and n not in ("stddef.h", "stdint.h")]
    tap.check(not bad, f"cepman/{header} includes stddef.h, stdint.h and lower public headers at most", bad)

for path in sorted((root / "tests").rglob("test_*.c")):
    room = path.parent.name
    if room not in FLOOR:
        continue
    private = {p.name for p in (root / "lib" / room).rglob("*.h")} | {p.name for p in path.parent.glob("*.h")}
    bad = check_room_file(path, room, private | {"support.h"})
    tap.check(not bad, f"{path.relative_to(root)}: sees its room and those below", bad)

# ---- programs and examples use the public headers alone --------------------------------------------------------
for folder in ("tools", "mpi", "docs/examples", "pkgconfig/consumer"):
    own = {p.name for p in (root / folder).rglob("*.h")}
    if folder == "mpi":  # its program shares the command line of the other
        own |= {p.name for p in (root / "tools").glob("*.h")}
    own |= {p.with_suffix(".h").name for p in (root / folder).rglob("*.html")}  # embedded by the build
    for path in sorted(p for p in (root / folder).rglob("*") if p.suffix in (".c", ".h", ".cpp", ".cc")):
        bad = [f'"{n}"' for s, n in includes(path) if not s and pathlib.Path(n).name not in own]
        bad += [f"<{n}>" for s, n in includes(path) if n in ONLY_IN]
        tap.check(not bad, f"{path.relative_to(root)}: public headers alone", bad)

# ---- head comments and lengths ----------------------------------------------------------------------------------
for path in sorted(p for f in ("lib", "tools", "mpi") for p in (root / f).rglob("*.c")):
    head = head_comment(path.read_text())
    said = " ".join(re.sub(r"^\s*\*\s?", "", line).strip() for line in (head or "").splitlines())
    before, found, after = said.partition("Must not: ")
    # What it does; what it follows; what it must not do: three statements, the last of them named.
    good = found and after.strip() and len(re.findall(r"[.:;)](\s|$)", before)) >= 2
    tap.check(good, f"{path.relative_to(root)}: opens with what it does, what it follows, 'Must not:'", said)

for path in sorted(p for f in ("lib", "tools", "mpi", "tests", "bench", "docs/examples", "include", "pkgconfig")
                   for p in (root / f).rglob("*") if p.suffix in (".c", ".h", ".cpp", ".py")):
    text = path.read_text()
    if path.suffix != ".py":
        head = head_comment(text)
        tap.check(head is not None, f"{path.relative_to(root)}: opens with a comment")
        count = text.count("\n")
        if count > LONG:
            tap.check(bool(head and re.search(r"\b[Ll]ong\b", head)),
                      f"{path.relative_to(root)}: {count} lines, and the head comment says why it is long")

# ---- docs: every page is in the index, every link leads somewhere ---------------------------------------------
index = (root / "docs/README.md").read_text()
for page in sorted((root / "docs").glob("*.md")) + sorted(root.glob("*.md")):
    if page.parent.name == "docs" and page.name != "README.md":
        tap.check(f"]({page.name})" in index, f"docs/README.md names {page.name}")
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    dead = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
            if "://" not in link and not link.startswith("mailto:") and not (page.parent / link).exists()]
    # Files that are named in passing: `lib/x/x.h`, docs/x.md.
    named = re.findall(r"(?<![\w./-])((?:lib|docs|tests|tools|mpi|include|bench|pkgconfig)/[\w./-]*\w\.(?:md|c|h|py|build|map|sh))\b", text)
    dead += [name for name in named if not (root / name).exists() and not name.startswith("lib/x/")]
    tap.check(not dead, f"{page.relative_to(root)}: what it points at is there", dead)
tap.end()
