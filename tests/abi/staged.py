"""An installation in a temporary folder, with cepman.pc rewritten as if it were installed there."""
import pathlib
import re


class Staged:
    """tree: the folder; prefix: as configured; pc, text: cepman.pc and what it said; libdir, include."""

    def __init__(self, tap, folder, build, meson):
        self.ok = False
        self.tree = pathlib.Path(folder) / "stage"
        if tap.run("meson install", [*meson, "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir",
                                     str(self.tree)]) is None:
            return
        found = list(self.tree.rglob("cepman.pc"))
        if not tap.check(len(found) == 1, "cepman.pc is installed", f"{found}"):
            return
        self.pc = found[0]
        self.text = self.pc.read_text()
        self.prefix = re.search(r"^prefix=(.*)$", self.text, re.M).group(1)
        self.version = re.search(r"^Version: (.*)$", self.text, re.M).group(1)
        # --define-prefix goes wrong with multiarch folders.
        self.pc.write_text(re.sub(r"^prefix=.*$", f"prefix={self.tree}{self.prefix}", self.text, flags=re.M))
        self.libdir = self.pc.parent.parent
        self.include = self.tree / self.prefix[1:] / "include"
        self.ok = True
