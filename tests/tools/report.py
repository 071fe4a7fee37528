"""report.html: whole, alone, safe with hostile names, its data those of the arrays; and in a browser when there is one.

Usage: report.py PROGRAM
"""
import array
import base64
import html
import json
import math
import pathlib
import random as random_numbers
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import browser as browsers
from tap import Tap

program = sys.argv[1]
tap = Tap()


def npy(path):
    """Shape and numbers of a .npy file."""
    raw = path.read_bytes()
    length, = struct.unpack("<H", raw[8:10])
    header = raw[10:10 + length].decode()
    shape = tuple(int(k) for k in re.search(r"'shape': \(([^)]*)\)", header)[1].replace(" ", "").split(",") if k)
    kind = re.search(r"'descr': '([^']*)'", header)[1]
    values = array.array({"<i4": "i", "<f4": "f", "<f8": "d", "|u1": "B"}[kind], raw[10 + length:])
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
    _, kinds = npy(out / "boundaries.npy")
    tap.check(numbers("B", data["walls"]) == kinds and kinds.count(1) == told["results"]["boundary_points"] > 0,
              "the walls are boundaries.npy")
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
    pairs = {(p["one"], p["other"]) for p in data["pairs"]}
    tap.check(all(tuple(sorted((q["cluster"], q["neighbour"]))) in pairs for q in neighbours if q["neighbour"] >= 0),
              "every neighbour is among the pairs", f"{pairs} {neighbours}")
    tap.check(all(-1 <= p["alike"] <= p["turned_alike"] <= 1.000001 and -90 < p["turned_by"] <= 90.3 for p in data["pairs"]),
              "what parts the pairs is within its ranges", data["pairs"])
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


def check_turn(folder):
    """Two lattices that differ by a turn of 20 degrees, clockwise on the picture (y points down): the page says so."""
    side, frames = 64, 144
    numbers_of = []
    for turn in (10, 30):
        a, frame = math.radians(turn), [20.] * (side * side)
        for i in range(-3, 4):
            for j in range(-3, 4):
                x, y = 9 * i, 6.5 * j
                cx, cy = 32 + x * math.cos(a) - y * math.sin(a), 32 + x * math.sin(a) + y * math.cos(a)
                for v in range(side):
                    for u in range(side):
                        frame[v * side + u] += 900 * math.exp(-((u - cx) ** 2 + (v - cy) ** 2) / 3)
        numbers_of.append(frame)
    random, values = random_numbers.Random(4), array.array("H")
    for f in range(frames):
        values.extend(int(v + random.gauss(0, 1) * v ** .5 + .5) if v > 9 else int(v) for v in numbers_of[f % 12 >= 6])
    head = f"{{'descr': '<u2', 'fortran_order': False, 'shape': (12, 12, {side}, {side}), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    scan = folder / "turned.npy"
    if sys.byteorder == "big":
        values.byteswap()
    scan.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + values.tobytes())
    done = run(scan, folder / "turned", "--method", "kmeans", "-k", "2")
    tap.check(done.returncode == 0, "a run on two lattices", done.stdout)
    if done.returncode:
        return
    pairs = embedded((folder / "turned/report.html").read_text(), "data")["pairs"]
    _, labels = npy(folder / "turned/labels.npy")
    expected = 20 if labels[0] == 0 else -20
    tap.check(len(pairs) == 1 and pairs[0]["border_points"] == 12 and abs(pairs[0]["turned_by"] - expected) < .5 and
              pairs[0]["turned_alike"] > .9 > pairs[0]["alike"] + .2, "the turn of 20 degrees is told", f"{pairs}, {labels[0]}")


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


def check_hands(path, page, labels, shape, data):
    """What a hand does: mouse and keys, in light and dark, on a wide and a narrow screen; and what the page asks the network for."""
    rows, columns = shape
    read = "Object.assign({}, document.documentElement.dataset)"
    with browsers.Browser(path) as b:
        b.emulate()
        b.open(page.as_uri())
        for dark, width in ((False, 1280), (True, 1280), (False, 390), (True, 390)):
            b.emulate(dark, width)
            b.settle()
            name = f"{'dark' if dark else 'light'}, {width} wide"
            wide = b.script("document.documentElement.scrollWidth")
            tap.check(wide <= width, f"nothing sticks out: {name}", f"{wide} > {width}")
            ground, ink = b.script("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
            lightness = [sum(map(int, re.findall(r"\d+", c)[:3])) / 765 for c in (ground, ink)]
            tap.check(lightness[dark] > .85 and lightness[not dark] < .15, f"colours of {name}", f"{ground} {ink}")
            filled = b.script("(() => { const c = document.getElementById('map'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height)"
                              ".data; return new Set(new Uint32Array(p.buffer)).size; })()")
            tap.check(filled >= 3, f"the map is drawn: {name}", f"{filled} colours")
        b.emulate()
        b.settle()
        for y, x in ((0, 0), (rows - 1, columns - 1), (7, 9)):
            left, top = b.script(f"(() => {{ const r = document.getElementById('map').getBoundingClientRect();"
                                 f" return [r.left + ({x} + .5) / {columns} * r.width, r.top + ({y} + .5) / {rows} * r.height]; }})()")
            b.move(left, top)
            b.settle()
            point, seen = y * columns + x, b.script(read)
            tap.check(seen.get("index") == str(point) and seen.get("label") == str(labels[point]),
                      f"the mouse on the map is at ({y}, {x})", f"{seen}")
        # Where that point is in the manifold, the mouse finds a point of the same label, and the map shows it.
        b.script("document.getElementById('manifold').scrollIntoView()")
        left, top = b.script(f"(() => {{ const m = document.getElementById('manifold'), r = m.getBoundingClientRect(), i = {point};"
                             " return [r.left + screen[3 * i] / m.width * r.width, r.top + screen[3 * i + 1] / m.height * r.height]; })()")
        b.move(left, top)
        b.settle()
        seen = b.script(read)
        tap.check(seen.get("label") == str(labels[int(seen["index"])]) and
                  abs(b.script(f"screen[3 * {seen['index']}] - screen[3 * {point}]")) <= 8, "the mouse on the manifold finds its point",
                  f"{seen}, expected near {point}")
        b.click(left, top)
        b.move(left + 200, top + 5)
        held = b.script(read)["index"]
        tap.check(held == seen["index"], "a click holds the point", f"{held}, {seen}")
        b.script("document.getElementById('map').focus()")
        b.key("Home")
        b.key("ArrowRight")
        b.key("ArrowDown")
        tap.check(b.script(read)["index"] == str(columns + 1), "keys move through the map", f"{b.script(read)}")
        wall = numbers("B", data["walls"]).index(1)
        pixel = (f"(() => {{ draw_all(); const c = document.getElementById('map'); return [...c.getContext('2d').getImageData("
                 f"Math.floor(({wall % columns} + .5) * cell), Math.floor(({wall // columns} + .5) * cell), 1, 1).data].slice(0, 3); }})()")
        b.script(f"show_only(labels[{wall}]); select({(wall + len(labels) // 2) % len(labels)}, false)")
        dark_wall = b.script(pixel)
        b.script("document.getElementById('walls').click()")
        own = list(numbers("B", data["palette"])[3 * labels[wall]:3 * labels[wall] + 3])
        tap.check(b.script(pixel) == own and all(abs(2 * d - o) <= 2 for d, o in zip(dark_wall, own)), "walls are dark, and can be taken off",
                  f"{dark_wall} {own}")
        b.script(f"document.getElementById('walls').click(); select({wall}, false); show_only(only)")
        tap.check("on a wall" in b.script("document.getElementById('word').textContent"), "a wall is told in words")
        b.script("document.querySelector('#legend button').focus()")
        b.key("Tab")
        tap.check(b.script("document.activeElement.dataset.cluster") == "1", "the tabulator goes through the clusters")
        told = b.script("[...document.querySelectorAll('#pairs li')].map(e => e.textContent)")
        tap.check(len(told) == len(data["pairs"]) and all("correlation" in t for t in told), "a sentence for each pair", told)
        tree = b.script("document.getElementById('rounds').textContent")
        tap.check(f"The scan: {len(labels)} points" in tree and all(f"Cluster {c}" in tree for c in range(max(labels) + 1)),
                  "the rounds are a tree", tree)
        strange = [u[:80] for u in b.asked_for() if not u.startswith(("file:", "data:"))]
        files = {u for u in b.asked_for() if u.startswith("file:")}
        tap.check(not strange and len(files) == 1, "nothing but the page is fetched", f"{strange} {files}")
        tap.check(not b.complaints(), "no script fails and the policy refuses nothing", b.complaints())


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    scan, out = folder / "a <b>&'\" <img onerror=x> @DATA@ %s.npy", folder / "out"
    subprocess.run([program, "simulate", "twin-domains", "--scan", "16x20", "--seed", "5", "-o", str(scan)], check=True,
                   stdout=subprocess.DEVNULL)
    done = run(scan, out)
    tap.check(done.returncode == 0, "a run with its report", done.stdout)
    if done.returncode == 0:
        facts = check_page(scan, out)
        browser = browsers.program()
        if browser:
            check_browser(browser, folder, out / "report.html", *facts)
            try:
                check_hands(browser, out / "report.html", *facts)
            except browsers.Silent as why:
                tap.skip("mouse, keys and network", f"{browser} cannot be driven here: {why}")
        else:
            tap.skip("browser", "chromium is not installed")
    check_turn(folder)
    done = run(scan, folder / "without", "--report=false", "--method", "kmeans", "-k", "2")
    tap.check(done.returncode == 0 and not (folder / "without/report.html").exists(), "--report=false leaves it out", done.stdout)
    done = run(scan, folder / "plane", "--dims", "2", "--method", "kmeans", "-k", "3", "--scan-rows", "1", "--scan-columns",
               "320")
    page = folder / "plane/report.html"
    if browsers.program():
        try:
            with browsers.Browser(browsers.program()) as b:
                for one in (page, folder / "turned/report.html"):
                    b.emulate()
                    b.open(one.as_uri())
                    tap.check(not b.complaints(), f"{one.parent.name}: no script fails without confidence", b.complaints())
        except browsers.Silent as why:
            tap.skip("pages without confidence", str(why))
    tap.check(done.returncode == 0 and embedded(page.read_text(), "data")["axes"] == 2, "two axes and no confidence", done.stdout)
    for more in (["--pad", "160"], ["--crop", "0:0:127x122", "--fit", "crop"]):
        done = run(scan, folder / more[-1], *more)
        pictures = embedded((folder / more[-1] / "report.html").read_text(), "data") if done.returncode == 0 else {}
        for array_name, key in (("mean_patterns", "patterns"), ("mean_cepstra", "cepstra")):
            sides = {struct.unpack(">II", base64.b64decode(p.split(",")[1])[16:24])[::-1] for p in pictures.get(key, [])}
            tap.check(sides == {npy(folder / more[-1] / f"{array_name}.npy")[0][1:]},
                      f"pictures of {array_name} have its shape with {' '.join(more)}", f"{sides} {done.stdout}")
tap.end()
