#!/usr/bin/env python3
"""Compares ratios of minima of bench runs with those on record; fails when one is more than 15 % worse.

usage: guard.py GUARD.json RUN.json ...          compare
       guard.py --record GUARD.json RUN.json ... put the worst of the runs' ratios on record

GUARD.json: {bench: {cpu level: {ratio: value}}}; a ratio is better when smaller. A recorded ratio that a run lacks is
a failure too; a CPU level without a record is reported and passes.
"""
import json
import sys

TOLERANCE = 1.15


def compare(guard, run):
    """Lines to print, and whether all is well."""
    name, cpu = run["bench"], run["cpu"]
    recorded = guard.get(name, {}).get(cpu)
    if recorded is None:
        return ["%s: nothing on record for %s" % (name, cpu)], True
    lines, good = [], True
    for ratio, value in sorted(recorded.items()):
        now = run["ratios"].get(ratio)
        # Not "now > limit": a NaN must fail as well.
        fine = now is not None and now <= value * TOLERANCE
        good = good and fine
        lines.append("%s  %s, %s: %s, on record %.3f" % ("ok   " if fine else "WORSE", name, ratio,
                                                         "missing" if now is None else "%.3f" % now, value))
    return lines, good


def main(arguments):
    record = bool(arguments) and arguments[0] == "--record"
    paths = arguments[record:]
    if len(paths) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(paths[0]) as f:
        guard = json.load(f)
    good, worst = True, {}
    for path in paths[1:]:
        with open(path) as f:
            run = json.load(f)
        if record:
            # Of several runs the worst: a guard that is set by a lucky one would fail on the next.
            kept = guard.setdefault(run["bench"], {}).setdefault(run["cpu"], {})
            seen = worst.setdefault((run["bench"], run["cpu"]), {})
            for ratio in list(kept or run["ratios"]):
                seen[ratio] = max(seen.get(ratio, 0.0), run["ratios"][ratio])
                kept[ratio] = round(seen[ratio], 3)
            continue
        lines, fine = compare(guard, run)
        print("\n".join(lines))
        good = good and fine
    if record:
        with open(paths[0], "w") as f:
            json.dump(guard, f, indent=1, sort_keys=True)
            f.write("\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
