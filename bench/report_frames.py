"""How long the page of a run takes to draw: report.html of a scan of 256 x 256 points in chromium, or the page that is given.

docs/method.md, "The report", shows what it prints. Usage: report_frames.py PROGRAM [REPORT.html]
"""
import array
import base64
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/tools"))
import browser

SCRIPT = """(async () => {
  const times = {point: [], turn: []}, gaps = [];
  for (let k = 0; k < 60; k++) {
    let start = performance.now();
    select(Math.floor(k * 7919 * 13 % n)); draw_all();
    times.point.push(performance.now() - start);
    start = performance.now();
    turn(.05, 0); draw_all();
    times.turn.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  let last = performance.now();
  for (let k = 0; k < 60; k++) {
    turn(.05, 0); select(k);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }
  const of = list => { list.sort((a, b) => a - b); return [list[30], list[56]]; };
  return {points: n, point: of(times.point), turn: of(times.turn), frame: of(gaps)};
})()"""



def enlarged(text):
    """The page with 8 x 8 scan points for each: the map grows, the manifold gets a cloud around each of its points."""
    start = text.index('<script type="application/json" id="data">') + len('<script type="application/json" id="data">')
    end = text.index("</script>", start)
    data, noise = json.loads(text[start:end]), random.Random(1)
    rows, columns, axes = data["rows"], data["columns"], data["axes"]
    labels, places = array.array("i", base64.b64decode(data["labels"])), array.array("H", base64.b64decode(data["coordinates"]))
    many, clouds = array.array("i"), array.array("H")
    for y in range(8 * rows):
        for x in range(8 * columns):
            i = y // 8 * columns + x // 8
            many.append(labels[i])
            clouds.extend(min(65534, max(0, int(places[axes * i + a] + noise.gauss(0, 600)))) for a in range(axes))
    data.update(points=len(many), rows=8 * rows, columns=8 * columns, labels=base64.b64encode(many.tobytes()).decode(),
                coordinates=base64.b64encode(clouds.tobytes()).decode())
    data.pop("confidence", None)
    data.pop("walls", None)
    return text[:start] + json.dumps(data).replace("<", "\\u003c") + text[end:]


path = browser.program()
if not path:
    sys.exit("chromium is not installed")
with tempfile.TemporaryDirectory() as folder:
    if len(sys.argv) > 2:
        page = pathlib.Path(sys.argv[2]).resolve()
    else:
        scan, out = pathlib.Path(folder) / "scan.npy", pathlib.Path(folder) / "out"
        subprocess.run([sys.argv[1], "simulate", "twin-domains", "--scan", "32x32", "--frame", "64", "--pixel", "0.064", "-o", str(scan)],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.argv[1], "run", str(scan), "-o", str(out), "--method", "kmeans", "-k", "4", "--epochs", "60"], check=True,
                       stdout=subprocess.DEVNULL)
        page = out / "report.html"
        page.write_text(enlarged(page.read_text(encoding="utf-8")), encoding="utf-8")
    with browser.Browser(path, width=1440, height=1000, patience=100) as b:
        b.emulate(width=1440, height=1000)
        b.open(page.as_uri())
        seen = b.script(SCRIPT)
print(f"{seen['points']} points; milliseconds, median and 95 %: pointing {seen['point'][0]:.0f}, {seen['point'][1]:.0f}; "
      f"turning {seen['turn'][0]:.0f}, {seen['turn'][1]:.0f}; from frame to frame {seen['frame'][0]:.0f}, {seen['frame'][1]:.0f}")
