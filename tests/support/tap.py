"""TAP on stdout for the checkers written in Python, so that meson counts each of their checks."""
import subprocess
import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, good, name, detail=""):
        """One check; detail (text or a list of lines) is shown when it fails."""
        self.count += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good:
            self.failed += 1
            lines = detail.splitlines() if isinstance(detail, str) else detail
            for line in list(lines)[:60]:
                print(f"# {line}")
        sys.stdout.flush()
        return good

    def skip(self, name, reason):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}")

    def run(self, name, command, **more):
        """A command that must end with 0; gives its output, or None."""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", **more)
        good = self.check(done.returncode == 0, name,
                          [" ".join(map(str, command)), f"ended with {done.returncode}"] +
                          done.stdout.splitlines()[-50:])
        return done.stdout if good else None

    def end(self):
        print(f"1..{self.count}")
        sys.exit(0)
