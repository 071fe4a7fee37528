"""Faults of the system under the program and the pipeline example: whatever fails, a target is as it was or whole.

Usage: faults.py PROGRAM SHIM PIPELINE [--all]. SHIM: tests/tools/faulty.c, for LD_PRELOAD. --all makes every allocation of
a run fail in turn and kills 400 times, where a plain run takes a sample (an hour instead of a minute). The last lines,
"# ...", are the counts for docs/reliability.md. Reads and compares bytes alone: nothing here fails on time.
"""
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from tap import Tap

program, shim, pipeline = sys.argv[1:4]
everything = "--all" in sys.argv
tap = Tap()
counts = {}

# A name of the program's or the library's own that is not yet in place (docs/reliability.md).
UNFINISHED = (".new", ".part")
# Small stages: name, words, outputs. IN is a scan, FEATURES, SCORES, EMBEDDING, MODEL come from earlier ones.
STAGES = [
    ("simulate", "simulate twin-domains --scan 10x9 --frame 32 --seed 7 -o OUT/s.npy", ["s.npy", "s.truth.npy"]),
    ("convert", "convert IN -o OUT/c.npy", ["c.npy"]),
    ("convert to EMD", "convert IN -o OUT/c.emd", ["c.emd"]),
    ("transform", "transform IN -o OUT/f.npy", ["f.npy"]),
    ("images", "images IN --what mean-cepstrum -o OUT/i.png", ["i.png"]),
    ("pca", "pca FEATURES -n 5 --details OUT/d -o OUT/p.npy", ["p.npy"]),
    ("knn", "knn FEATURES -k 5 -o OUT/k.npy --distances OUT/kd.npy", ["k.npy", "kd.npy"]),
    ("embed", "embed FEATURES --epochs 20 --save OUT/m -o OUT/e.npy", ["e.npy", "m"]),
    ("place", "place FEATURES --model MODEL -o OUT/q.npy", ["q.npy"]),
    ("cluster", "cluster EMBEDDING --method hdbscan -o OUT/l.npy --details OUT/d", ["l.npy"]),
    ("run", "run IN --epochs 20 -o OUT", ["labels.npy", "label_map.png", "embedding.npy"]),
]
inputs = {}


def words(text, out):
    for name, path in sorted(inputs.items(), key=lambda item: -len(item[0])):
        text = text.replace(name, path)
    return [program] + text.replace("OUT", out).split()


def call(command, preexec=None, **faults):
    """Runs it under the shim; exit code, what it said, counts of the shim."""
    env = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    with tempfile.NamedTemporaryFile() as count:
        if faults:
            env["LD_PRELOAD"] = shim
            env["FAULTY_COUNT"] = count.name
            env.update({"FAULTY_" + name: str(value) for name, value in faults.items()})
        done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=preexec)
        counted = [int(n) for n in count.read().split()]
    return done.returncode, done.stderr.decode(errors="replace"), counted


def tree(folder):
    """Every file below a folder, by name, with its bytes."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            whole = os.path.join(path, name)
            with open(whole, "rb") as f:
                found[os.path.relpath(whole, folder)] = f.read()
    return found


def one_sentence(text):
    return text.startswith("cepman: ") and text.count("\n") == 1 and len(text) > 20


def unfinished(found):
    return [name for name in found if name.endswith(UNFINISHED)]


def references(base):
    """What each stage writes when nothing fails, and the inputs of the others."""
    whole = {}
    plan = {"simulate": ("IN", "s.npy"), "transform": ("FEATURES", "f.npy"), "embed": ("EMBEDDING", "e.npy")}
    for name, text, outputs in STAGES:
        out = os.path.join(base, name.replace(" ", "-"))
        os.mkdir(out)
        code, said, _ = call(words(text, out))
        if name == "convert to EMD" and "HDF5" in said:
            continue
        if not tap.check(code == 0, f"{name} without faults", said):
            tap.end()
        found = tree(out)
        whole[name] = {key: found[key] for key in outputs}
        if name in plan:
            inputs[plan[name][0]] = os.path.join(out, plan[name][1])
        if name == "embed":
            inputs["MODEL"] = os.path.join(out, "m")
    return whole


def stages(whole):
    return [s for s in STAGES if s[0] in whole]


def short_reads(base, whole):
    """Short counts and EINTR change nothing."""
    cut = interrupted = 0
    for name, text, outputs in stages(whole):
        same, why = True, ""
        for seed in range(40 if everything else 3):
            out = os.path.join(base, "short")
            os.mkdir(out)
            code, said, n = call(words(text, out), SHORT=seed)
            found = tree(out)
            # HDF5 writes the time into its files: there the size has to do.
            equal = all(found.get(key) == whole[name][key] or
                        (key.endswith(".emd") and len(found.get(key, b"")) == len(whole[name][key])) for key in outputs)
            if code or not equal:
                same, why = False, f"seed {seed}: {code} {said}"
            cut += n[0]
            interrupted += n[1]
            shutil.rmtree(out)
        tap.check(same, f"{name}: the same files with short counts and EINTR", why)
    tap.check(cut > 100 and interrupted > 100, "calls were cut short and interrupted", f"{cut} {interrupted}")
    counts["short counts"] = cut
    counts["EINTR"] = interrupted


def full_disk(base, whole):
    """ENOSPC anywhere: one sentence, old targets as they were, nothing new."""
    times = 0
    for name, text, outputs in stages(whole):
        out = os.path.join(base, "full")
        os.mkdir(out)
        _, _, n = call(words(text, out), ROOM=1 << 40)
        shutil.rmtree(out)
        total, good, why = n[2], True, ""
        if total == 0:  # stdio's writes are the C library's own: small_disk() and file_limit() are for those
            continue
        places = {0, 1, 100, total // 3, total // 2, total - 1}
        places |= {total * i // 100 for i in range(1, 100 if everything else 4)}
        for room in sorted(p for p in places if p < total):
            os.mkdir(out)
            for key in outputs:
                with open(os.path.join(out, key), "wb") as f:
                    f.write(b"old")
            code, said, _ = call(words(text, out), ROOM=room)
            found = tree(out)
            times += 1
            # HDF5 reports a failed write in words of its own.
            if code != 1 or not one_sentence(said) or found != {key: b"old" for key in outputs}:
                good, why = False, f"room for {room} of {total}: {code} {said} {sorted(found)}"
            shutil.rmtree(out)
        tap.check(good, f"{name}: a full disk leaves every target as it was", why)
    counts["full disks"] = times


def small_disk(base, whole):
    """A file system that really is full, where one may be mounted."""
    out = os.path.join(base, "tmpfs")
    os.mkdir(out)
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", out],
                                      stderr=subprocess.DEVNULL).returncode:
        tap.skip("a full tmpfs", "no right to mount one")
        return
    try:
        for name, text, _ in stages(whole):
            if name in ("convert", "transform", "run", "embed", "simulate"):
                code, said, _ = call(words(text, out))
                tap.check(code == 1 and one_sentence(said) and "No space" in said and not tree(out),
                          f"{name} on a full tmpfs: a sentence and nothing else", [said, str(sorted(tree(out)))])
    finally:
        subprocess.run(["umount", out], check=False)


def file_limit(base, whole):
    """RLIMIT_FSIZE: a sentence, not the signal that the system sends."""
    out = os.path.join(base, "limited")
    os.mkdir(out)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, text, _ in stages(whole):
        if name in ("convert", "transform", "run"):
            code, said, _ = call(words(text, out), preexec=limit)
            tap.check(code == 1 and one_sentence(said) and not tree(out), f"{name}: a limit on the size of files",
                      [str(code), said, str(sorted(tree(out)))])


def no_permission(base, whole):
    """A folder that may not be written."""
    out = os.path.join(base, "closed")
    os.mkdir(out)
    root = os.geteuid() == 0
    if root:
        os.chmod(base, 0o755)
        os.chown(out, 65534, 65534)
    os.chmod(out, 0o500)

    def nobody():
        if root:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
    for name, text, _ in stages(whole):
        if name in ("convert", "transform", "run", "pca"):
            try:
                code, said, _ = call(words(text, out), preexec=nobody)
            except (PermissionError, subprocess.SubprocessError):
                tap.skip(f"{name}: a folder that may not be written", "nobody cannot run the program")
                continue
            if code == 126 or "cannot open" in said:
                tap.skip(f"{name}: a folder that may not be written", "nobody cannot reach the files")
                continue
            tap.check(code == 1 and one_sentence(said) and "ermission denied" in said and not os.listdir(out),
                      f"{name}: a folder that may not be written", [str(code), said])
    os.chmod(out, 0o700)


def bad_files(base, whole):
    """An input that ends early or cannot be read, at any place."""
    out = os.path.join(base, "bad")
    times = 0
    for name, text, outputs in stages(whole):
        given = [word for word in text.split() if word in ("IN", "FEATURES", "EMBEDDING")]
        if not given:
            continue
        os.mkdir(out)
        _, _, n = call(words(text, out), ROOM=1 << 40)
        shutil.rmtree(out)
        good, why = True, ""
        size = os.path.getsize(inputs[given[0]])
        runs = [{"EIO": i} for i in range(0, n[3], 1 if everything else 1 + n[3] // 8)]
        runs += [{"END": size * i // 7} for i in range(7)] + [{"END": size - 1}]
        for faults in runs:
            os.mkdir(out)
            code, said, _ = call(words(text, out), **faults)
            found = tree(out)
            times += 1
            # A header that could not be read while its format was guessed may be read well the next time.
            guessed = "EIO" in faults and code == 0 and all(found.get(key) == whole[name][key] for key in outputs
                                                            if not key.endswith(".emd"))
            if not guessed and (code != 1 or not one_sentence(said) or found):
                good, why = False, f"{faults} of {n[3]} reads: {code} {said} {sorted(tree(out))}"
            shutil.rmtree(out)
        tap.check(good, f"{name}: inputs that end early or fail to be read", why)
    counts["failed and truncated reads"] = times


def no_memory(base, whole):
    """Every aligned allocation (all of the library's) fails in turn: alone, and with all that follow."""
    times = 0
    for name, command in [(name, words(text, os.path.join(base, "memory"))) for name, text, _ in stages(whole)
                          if name in ("transform", "embed", "run")] + [("pipeline example", [pipeline])]:
        out = os.path.join(base, "memory")
        os.mkdir(out)
        code, said, n = call(command, ROOM=1 << 40)
        shutil.rmtree(out)
        good, why, at, turn = code == 0 and n[4] > 20, f"{code} {said} {n}", 0, 0
        while at < n[4]:
            for on in ((0, 1) if everything else (turn % 2,)):
                os.mkdir(out)
                code, said, _ = call(command, ALLOC=at, ALLOC_ON=on)
                found = tree(out)
                times += 1
                # The example has no context to ask for a sentence when there is no memory for one.
                silent = command == [pipeline] and at < 2 and not said
                if code != 1 or not (silent or said.count("\n") == 1 and len(said) > 10) or found:
                    good, why = False, f"allocation {at} of {n[4]}, then {on}: {code} {said} {sorted(found)}"
                shutil.rmtree(out)
            turn += 1
            at += 1 if everything else 1 + max(at // 6, n[4] // 60)
        tap.check(good, f"{name}: {n[4]} allocations, each of which may fail", why)
    counts["failed allocations"] = times


def killed(base, whole):
    """SIGKILL at any moment: a target is old or whole, and what is left over stops no later run. SIGTERM leaves nothing."""
    draw = random.Random(4)
    rounds = 400 if everything else 12
    kills = left = 0
    for name, text, outputs in stages(whole):
        if name not in ("convert", "transform", "embed", "run"):
            continue
        out = os.path.join(base, "killed")
        os.mkdir(out)
        start = time.monotonic()
        call(words(text, out))
        took = time.monotonic() - start
        shutil.rmtree(out)
        good, why = True, ""
        for turn in range(rounds):
            number = signal.SIGTERM if turn % 4 == 3 else signal.SIGKILL
            os.mkdir(out)
            for key in outputs:
                with open(os.path.join(out, key), "wb") as f:
                    f.write(b"old")
            child = subprocess.Popen(words(text, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))
            time.sleep(took * draw.random())
            child.send_signal(number)
            code = child.wait()
            kills += code != 0
            found = tree(out)
            parts = unfinished(found)
            left += len(parts)
            for key in outputs:
                if found.get(key) not in (b"old", whole[name][key]):
                    good, why = False, f"round {turn}: {key} is neither old nor whole"
            if number == signal.SIGTERM and parts and code == 1:
                good, why = False, f"round {turn}: {parts} left by SIGTERM"
            code, said, _ = call(words(text, out))
            found = tree(out)
            if code or any(found.get(key) != whole[name][key] for key in outputs):
                good, why = False, f"round {turn}: the next run: {code} {said}"
            shutil.rmtree(out)
        tap.check(good, f"{name}: killed {rounds} times, targets are old or whole and the next run is good", why)
    tap.check(kills > 0, "some were killed before their end", str(kills))
    counts["kills"] = kills
    counts["unfinished files left by kills"] = left


def main(base):
    os.chmod(base, 0o755)
    whole = references(base)
    for part in (short_reads, full_disk, small_disk, file_limit, no_permission, bad_files, no_memory, killed):
        part(base, whole)
    for name, number in counts.items():
        print(f"# {name}: {number}")
    tap.end()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
