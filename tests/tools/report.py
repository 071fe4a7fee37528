"""report.html: whole, alone, safe with hostile names, its data those of the arrays; and in a browser when there is one.

Usage: report.py PROGRAM
"""
import array
import base64
import html
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from tap import Tap

program = sys.argv[1]
tap = Tap()
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]


def npy(path):
    """Shape and numbers of a .npy file."""
    raw = path.read_bytes()
    length, = struct.unpack("<H", raw[8:10])
    header = raw[10:10 + length].decode()
    shape = tuple(int(k) for k in re.search(r"'shape': \(([^)]*)\)", header)[1].replace(" ", "").split(",") if k)
    kind = re.search(r"'descr': '([^']*)'", header)[1]
    values = array.array({"<i4": "i", "<f4": "f", "<f8": "d"}[kind], raw[10 + length:])
    return shape, values


def embedded(text, name):
    inner, = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', text, flags=re.S)
    return json.loads(inner)


def numbers(kind, text):
    return array.array(kind, base64.b64decode(text))


def run(scan, out, *more):
    return subprocess.run([program, "run", str(scan), "-o", str(out), "--epochs", "60", *more], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


def check_page(scan, out):
    text = (out / "report.html").read_text(encoding="utf-8")
    tap.check(text.startswith("<!DOCTYPE html>") and text.endswith("</html>\n"), "the page is whole")
    tap.check(not re.search(r"https?:|\bsrc=|\bhref=|@import|url\(", text), "the page asks for nothing")
    tap.check("default-src 'none'; img-src data:; style-src 'sha256-" in text, "the policy forbids everything else")
    tap.check(html.escape(scan.name) not in ("", scan.name) and "<img" not in text and "<b>" not in text,
              "a hostile name is no markup")
    title = re.search(r"<title>(.*?)</title>", text)[1]
    tap.check(html.unescape(title) == f"{scan.name} - cepman run", "the name is told as it is", title)

    data, told = embedded(text, "data"), embedded(text, "run")
    tap.check(told == json.loads((out / "run.json").read_text()), "run.json is in the page")
    shape, labels = npy(out / "labels.npy")
    tap.check(numbers("i", data["labels"]) == labels and (data["rows"], data["columns"]) == shape, "the labels are labels.npy")
    _, confidence = npy(out / "probabilities.npy")
    worst = max(abs(a / 255 - b) for a, b in zip(numbers("B", data["confidence"]), confidence))
    tap.check(worst <= .5001 / 255, "the confidences are probabilities.npy", f"{worst}")
    (n, axes), places = npy(out / "embedding.npy")
    quantised = numbers("H", data["coordinates"])
    worst = max(abs(data["low"][i % axes] + q * data["step"] - v) for i, (q, v) in enumerate(zip(quantised, places)))
    tap.check(len(quantised) == n * axes == len(places) and worst <= .501 * data["step"],
              "the coordinates are embedding.npy", f"{worst} with steps of {data['step']}")
    clusters = max(labels) + 1
    pictures = [data["dark_field"]] + sum((data[k] for k in ("patterns", "cepstra", "pattern_differences",
                                                             "cepstrum_differences")), [])
    tap.check(len(data["patterns"]) == len(data["cepstra"]) == npy(out / "mean_patterns.npy")[0][0], "a picture for every mean")
    tap.check(len(base64.b64decode(data["palette"])) == 3 * (clusters + 1), "a colour for every cluster, and noise")
    prefix = "data:image/png;base64,"
    raw = [base64.b64decode(p[len(prefix):], validate=True) for p in pictures if p.startswith(prefix)]
    tap.check(len(raw) == len(pictures) and all(p.startswith(b"\x89PNG\r\n\x1a\n") and p[-8:-4] == b"IEND" for p in raw),
              "the pictures are whole PNG")
    neighbours = told["results"]["neighbours"]
    rows, columns = shape
    for one in neighbours:
        met = [0] * clusters
        for i, c in enumerate(labels):
            for step, room in ((1, columns - i % columns - 1), (columns, rows - i // columns - 1)):
                other = next((labels[i + k * step] for k in range(1, min(room, 5) + 1) if labels[i + k * step] >= 0), -1)
                if -1 in (c, other) or c == other or one["cluster"] not in (c, other):
                    continue
                met[c + other - one["cluster"]] += 1
        expected = max(met, default=0)
        if not tap.check(one["border_points"] == expected and (not expected or met[one["neighbour"]] == expected),
                         f"the neighbour of cluster {one['cluster']} has its longest border", f"{one}, {met}"):
            break
    return labels, shape, data


def dump(browser, folder, page, fragment):
    """Attributes of the page's root after its script ran."""
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
               "--virtual-time-budget=4000", "--dump-dom", page.as_uri() + fragment]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=100)
    root = re.search(r"<html[^>]*>", done.stdout)
    return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', root[0] if root else "")), done.stdout


def check_browser(browser, folder, page, labels, shape, data):
    point = 7 * shape[1] + 9
    seen, dom = dump(browser, folder, page, "#select=7,9&pick")
    if not dom:
        tap.skip("browser", f"{browser} does not start here")
        return
    tap.check(seen.get("ready") == "true" and seen.get("points") == str(len(labels)), "the page runs in a browser", f"{seen}")
    tap.check(seen.get("index") == str(point) and seen.get("label") == str(labels[point]), "a point of the map is selected",
              f"{seen}, label {labels[point]}")
    axes = data["axes"]
    places = numbers("H", data["coordinates"])[point * axes:(point + 1) * axes]
    expected = [low + q * data["step"] for low, q in zip(data["low"], places)]
    told = [float(v) for v in seen.get("place", "").split(",") if v]
    tap.check(len(told) == axes and all(abs(a - b) <= 1e-4 * max(1, abs(b)) for a, b in zip(told, expected)),
              "its place in the manifold is shown", f"{told}, expected {expected}")
    tap.check(float(seen.get("picked-away", "nan")) <= 2 and int(seen.get("picked", -1)) >= 0,
              "pointing at that place of the manifold finds a point there", f"{seen}")
    tap.check(seen.get("dark") == f"{shape[1]}x{shape[0]}", "the dark field is loaded", f"{seen}")
    missing = [m for m in re.findall(r"<img[^>]*>", dom) if not re.search(r'alt="[^"]+"', m)]
    tap.check("<img" in dom and not missing, "every picture has a text", missing)
    seen, _ = dump(browser, folder, page, "#select=7,9&keys=ArrowRight,ArrowDown,ArrowDown")
    point = 9 * shape[1] + 10
    tap.check(seen.get("index") == str(point) and seen.get("label") == str(labels[point]), "keys move through the map", f"{seen}")


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    scan, out = folder / "a <b>&'\" <img onerror=x> @DATA@ %s.npy", folder / "out"
    subprocess.run([program, "simulate", "twin-domains", "--scan", "16x20", "--seed", "5", "-o", str(scan)], check=True,
                   stdout=subprocess.DEVNULL)
    done = run(scan, out)
    tap.check(done.returncode == 0, "a run with its report", done.stdout)
    if done.returncode == 0:
        facts = check_page(scan, out)
        browser = next(filter(None, map(shutil.which, BROWSERS)), None)
        if browser:
            check_browser(browser, folder, out / "report.html", *facts)
        else:
            tap.skip("browser", "chromium is not installed")
    done = run(scan, folder / "without", "--report=false", "--method", "kmeans", "-k", "2")
    tap.check(done.returncode == 0 and not (folder / "without/report.html").exists(), "--report=false leaves it out", done.stdout)
    done = run(scan, folder / "plane", "--dims", "2", "--method", "kmeans", "-k", "3", "--scan-rows", "1", "--scan-columns",
               "320")
    page = folder / "plane/report.html"
    tap.check(done.returncode == 0 and embedded(page.read_text(), "data")["axes"] == 2, "two axes and no confidence", done.stdout)
    for more in (["--pad", "160"], ["--crop", "0:0:127x122", "--fit", "crop"]):
        done = run(scan, folder / more[-1], *more)
        pictures = embedded((folder / more[-1] / "report.html").read_text(), "data") if done.returncode == 0 else {}
        for array_name, key in (("mean_patterns", "patterns"), ("mean_cepstra", "cepstra")):
            sides = {struct.unpack(">II", base64.b64decode(p.split(",")[1])[16:24])[::-1] for p in pictures.get(key, [])}
            tap.check(sides == {npy(folder / more[-1] / f"{array_name}.npy")[0][1:]},
                      f"pictures of {array_name} have its shape with {' '.join(more)}", f"{sides} {done.stdout}")
tap.end()
