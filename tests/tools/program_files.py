"""The manual page and the completion of the command line, as bash and man see them.

Usage: program_files.py PROGRAM CEPMAN.1 COMPLETION.bash
"""
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

program, page, completion = sys.argv[1:4]
tap = Tap()
overview = subprocess.run([program, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
commands = re.findall(r"^  ([a-z]+) ", overview, flags=re.M)

text = pathlib.Path(page).read_text()
tap.check(text.startswith(".TH CEPMAN 1"), "the page has its title")
for name in commands:
    tap.check(f".SH {name.upper()}\n" in text, f"the page has {name}")
tap.check("\\-\\-min\\-cluster\\-size" in text, "dashes of options can be copied and searched")
if shutil.which("groff"):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    tap.check(done.returncode == 0 and not [line for line in done.stdout.splitlines() if "can't break" not in line],
              "groff has nothing to say about it", done.stdout)
else:
    tap.skip("groff", "groff is not installed")


def complete(*words):
    """What bash offers when the cursor stands behind the last of the words."""
    line = " ".join(f"'{w}'" for w in (program, *words))
    script = f"source '{completion}'; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _cepman; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, text=True).stdout.split()


if shutil.which("bash"):
    offered = complete("")
    tap.check(set(commands) <= set(offered), "every command is offered", f"{offered}")
    tap.check(complete("cl") == ["cluster"], "a command is completed", f"{complete('cl')}")
    for name in commands:
        tap.check("--threads" in complete(name, "--"), f"options of {name} are offered", f"{complete(name, '--')}")
    tap.check(complete("cluster", "--min-c") == ["--min-cluster-size"], "an option is completed")
    tap.check(complete("cluster", "--ties", "") == ["canonical", "binary"], "the words of a choice are offered",
              f"{complete('cluster', '--ties', '')}")
    tap.check(complete("cluster", "--ties", "=", "b") == ["binary"], "the same behind a =")
    tap.check(complete("cluster", "--cpu", "avx") == ["avx2", "avx512"], "choices of common options",
              f"{complete('cluster', '--cpu', 'avx')}")
    tap.check(complete("info", str(pathlib.Path(completion).parent) + "/completion.b") == [completion], "files are completed")
else:
    tap.skip("completion", "bash is not installed")
tap.end()
