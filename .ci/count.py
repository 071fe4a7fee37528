"""Counts the subtests of a meson test run: prints "PASSED FAILED SKIPPED".

Usage: count.py BUILD/meson-logs/testlog.json     (one JSON object a line; TAP programs count line by line)
"""
import json
import re
import sys

passed = failed = skipped = 0
with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
    for line in log:
        test = json.loads(line)
        p = f = s = 0
        for ok, rest in re.findall(r"^(ok|not ok)\b(.*)$", test.get("stdout") or "", re.M):
            if re.search(r"#\s*SKIP", rest, re.I):
                s += 1
            elif ok == "ok":
                p += 1
            else:
                f += 1
        if p + f + s == 0:
            p, f, s = {"OK": (1, 0, 0), "EXPECTEDFAIL": (1, 0, 0), "SKIP": (0, 0, 1)}.get(test["result"], (0, 1, 0))
        elif test["result"] not in ("OK", "SKIP") and f == 0:
            f = 1  # it crashed, ran out of time, or printed fewer lines than it promised
        passed, failed, skipped = passed + p, failed + f, skipped + s
print(passed, failed, skipped)
