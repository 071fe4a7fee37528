"""The names the library shows, needs and keeps.

Headers, lib/cepman.map and the shared library must agree; nothing else may leak; nothing forbidden may be called;
nothing in lib/ may be a writable global.
Usage: symbols.py SOURCE_ROOT VERSION SOVERSION LIBRARY...     (.so and .a, whichever were built)
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap
from prototypes import python_table

root, version, soversion = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
libraries = [pathlib.Path(p) for p in sys.argv[4:]]
tap = Tap()

# What no library may do to its host: end it, print, change its locale, its signals, its random numbers, its signgam, its threads.
FORBIDDEN = re.compile(
    r"^(abort|_?exit|_Exit|quick_exit|__assert_fail|assert|raise|kill|signal|sigaction|alarm|setlocale|s?rand(om)?|"
    r"(__)?(v?printf|v?fprintf|puts|putchar|perror|v?dprintf|syslog)(_chk)?|stdout|stderr|stdin|strtok|gmtime|localtime|"
    r"lgamma[fl]?|gamma[fl]?|signgam|strerror|getenv|setenv|putenv|system|popen|openblas_set_num_threads|goto_set_num_threads|"
    r"fftwf?_(make_planner_thread_safe|init_threads|cleanup|cleanup_threads|set_timelimit)|GOMP_.*|omp_.*|"
    r"__tls_get_addr|longjmp|_?setjmp)$")
# Memory comes from the context; these objects alone touch the C library's.
MEMORY = re.compile(r"^(malloc|calloc|realloc|reallocarray|free|posix_memalign|aligned_alloc|strdup|strndup|asprintf|getline)$")
MEMORY_ALLOWED = {"base_memory.c": {"posix_memalign", "free"}, "fft_fft.c": {"free"}}
# FFTW has one planner and HDF5 one state per process, so there is one lock each.
WRITABLE_ALLOWED = {"fft_fft.c": {"planner"}, "dataset_hdf5_source.c": {"library"}}


def tool(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


declared = {}
for header in sorted((root / "include/cepman").glob("*.h")):
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
    for name in re.findall(r"^CEPMAN_API\b[^;(]*?\b(\w+)\s*\(", text, re.M):
        tap.check(name not in declared, f"{name} is declared once", f"{header.name} and {declared.get(name)}")
        declared[name] = header.name
    # A function that lacks the macro would be hidden.
    plain = re.sub(r"^\s*#(.*\\\n)*.*$|\bCEPMAN_(BEGIN|END)\b", "", text, flags=re.M)
    bare = [" ".join(x.split()) for x in plain.split(";") if re.match(r"\s*(?!CEPMAN_API|typedef)\w[^{}=]*\bcepman_\w+\s*\(", x)]
    tap.check(not bare, f"{header.name}: every function has CEPMAN_API", bare)
names = set(declared)
tap.check(all(n.startswith("cepman_") for n in names), "public functions are called cepman_*",
          sorted(n for n in names if not n.startswith("cepman_")))

map_text = re.sub(r"/\*.*?\*/", "", (root / "lib/cepman.map").read_text(), flags=re.S)
node = re.match(r"\s*(\w+)\s*\{\s*global:(.*?)local:\s*\*;\s*\};\s*$", map_text, re.S)
tap.check(node is not None and node.group(1) == f"CEPMAN_{soversion}", f"cepman.map is one node, CEPMAN_{soversion}")
listed = set(re.findall(r"[^\s;]+", node.group(2))) if node else set()
tap.check(listed == names, "cepman.map lists what the headers declare (ninja renew-symbols writes it)",
          [f"only in the map: {sorted(listed - names)}", f"only in the headers: {sorted(names - listed)}"])

tap.check((root / "python/cepman/_prototypes.py").read_text() == python_table(root),
          "_prototypes.py has what the headers declare (ninja renew-symbols writes it)")
for name, words in (("CITATION.cff", f"\nversion: {version}\n"), ("debian/changelog", f"cepman ({version})"),
                    ("CHANGELOG.md", f"\n## {version}")):
    tap.check(words in (root / name).read_text(), f"{name} has the version {version}")
# A function that no test calls is not known to work.
words = set()
for source in (root / "tests").rglob("*.c"):
    words.update(re.findall(r"\bcepman_\w+", re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.S)))
joined = {f"cepman_{kind}_{end}" for kind in re.findall(r"SHARED\((\w+),", (root / "tests/abi/test_handles.c").read_text())
          for end in ("ref", "unref")}
tap.check(names <= words | joined, "every public function is called by a test", sorted(names - words - joined))
# C++ has all of it; copies of a context share a pointer of C++, sizes of types are its own, setters parse, rows come one by one.
reached = set(re.findall(r"\bcepman_\w+", (root / "include/cepman/cepman.hpp").read_text()))
missing = names - reached - {"cepman_context_ref", "cepman_type_size", "cepman_options_set_text", "cepman_matrix_data"}
tap.check(not missing, "cepman.hpp has every public function", sorted(missing))

for path in libraries:
    shared = ".so" in path.name
    if shared:
        lines = [line.split() for line in tool("nm", "-D", "--defined-only", str(path)).splitlines()]
        shown = {w[2].split("@")[0]: w[1] for w in lines if len(w) == 3 and w[1] != "A"}
        tap.check(set(shown) <= names, f"{path.name} shows nothing that is not declared", sorted(set(shown) - names))
        tap.check(names <= set(shown), f"{path.name} has all that is declared", sorted(names - set(shown)))
        tap.check(set(shown.values()) <= {"T"}, f"{path.name} shows functions alone, no data",
                  sorted(n for n, kind in shown.items() if kind != "T"))
        versions = {w[2].split("@@")[1] for w in lines if len(w) == 3 and "@@" in w[2]}
        tap.check(versions == {f"CEPMAN_{soversion}"}, f"{path.name}: symbols are versioned CEPMAN_{soversion}", f"{versions}")
        dynamic = tool("readelf", "-dW", str(path))
        soname = re.findall(r"\(SONAME\).*\[(.*)\]", dynamic)
        tap.check(soname == [f"libcepman.so.{soversion}"], f"{path.name}: SONAME is libcepman.so.{soversion}", f"{soname}")
        tap.check(path.resolve().name == f"libcepman.so.{version}", f"the file is libcepman.so.{version}", path.resolve().name)
        needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\.so", dynamic))
        allowed = {"libm", "libc", "libfftw3f", "libopenblas", "liblapacke", "libpthread", "libhdf5", "libhdf5_serial", "libblosc", "libz", "libzstd",
                   "ld-linux-x86-64", "ld-linux-aarch64"}
        tap.check(needed <= allowed, f"{path.name} needs known libraries alone", sorted(needed - allowed))
        tap.check("(TEXTREL)" not in dynamic, f"{path.name} has no text relocations")
        tap.check(re.search(r"GNU_STACK.*RWE", tool("readelf", "-lW", str(path))) is None,
                  f"{path.name} has no executable stack")
        wanted = tool("nm", "-D", "--undefined-only", str(path)).split()
        bad = sorted({w.split("@")[0] for w in wanted if FORBIDDEN.match(w.split("@")[0])})
        tap.check(not bad, f"{path.name} calls nothing forbidden", bad)
        continue

    # The archive: hidden cep_* may be global in it, anything else may not; and per object what it calls and keeps.
    defined = {}
    for line in tool("readelf", "-sW", str(path)).splitlines():
        w = line.split()
        if len(w) == 8 and w[4] in ("GLOBAL", "WEAK") and w[6] != "UND":
            defined[w[7]] = w[5]
    wrong = sorted(n for n in defined if not n.startswith(("cepman_", "cep_")))
    tap.check(not wrong, f"{path.name}: global names are cepman_* and cep_*", wrong)
    visible = {n for n, how in defined.items() if how == "DEFAULT"}
    tap.check(visible <= names, f"{path.name}: names that are not declared are hidden", sorted(visible - names))
    tap.check(names <= visible, f"{path.name} has all that is declared", sorted(names - visible))
    calls = {}
    for line in tool("nm", "-A", "--undefined-only", str(path)).splitlines():
        member = re.search(r":(\w+\.c)\.o:", line)
        calls.setdefault(line.split()[-1], set()).add(member.group(1) if member else line)
    bad = [f"{name} in {sorted(where)}" for name, where in sorted(calls.items()) if FORBIDDEN.match(name)]
    tap.check(not bad, f"{path.name}: nothing calls what is forbidden", bad)
    bad = [f"{name} in {source}" for name, where in sorted(calls.items()) if MEMORY.match(name) for source in sorted(where)
           if name not in MEMORY_ALLOWED.get(source, ())]
    tap.check(not bad, f"{path.name}: memory comes from the context", bad)
    bad = []
    member = ""
    for line in tool("objdump", "-t", str(path)).splitlines():
        if ":     file format" in line:
            member = line.split(":")[0].removesuffix(".o")
        m = re.match(r"^[0-9a-f]+ (.{7}) (\.data|\.bss|\.tdata|\.tbss|\*COM\*)(\.\S+)?\t([0-9a-f]+) (?:\.hidden )?(\S+)$", line)
        if not m or (m.group(3) or "").startswith(".rel.ro"):
            continue
        if "O" in m.group(1) and m.group(5).split(".")[0] not in WRITABLE_ALLOWED.get(member, ()):
            bad.append(f"{m.group(5)} in {member} ({m.group(2)}{m.group(3) or ''})")
    tap.check(not bad, f"{path.name}: no writable globals", bad)
tap.end()
