"""Drives chromium through its debugging pipe: pages opened, scripts run, real mouse and keys, what the network was asked for.

Chromium reads commands from file descriptor 3 and answers on 4, each a JSON object that ends with a NUL
(https://chromedevtools.github.io/devtools-protocol).
"""
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]


def program():
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Silent(Exception):
    """The browser did not start or no longer answers."""


class Browser:
    def __init__(self, path, width=1280, height=900, patience=60):
        self.patience, self.number, self.rest, self.events = patience, 0, b"", []
        self.profile = tempfile.TemporaryDirectory()
        commands, self.out = os.pipe()
        self.answers, answers = os.pipe()

        def descriptors():  # above 4 first, so that neither overwrites the other
            high = [os.dup2(commands, 20), os.dup2(answers, 21)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [path, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=descriptors, close_fds=False, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.out)
        os.close(self.answers)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for _ in range(20):  # its children let go of the profile a little later
            try:
                self.profile.cleanup()
                return
            except OSError:
                time.sleep(.1)

    def receive(self):
        end = time.monotonic() + self.patience
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], max(0, end - time.monotonic()))[0]:
                raise Silent("no answer")
            more = os.read(self.answers, 1 << 20)
            if not more:
                raise Silent("the pipe was closed")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        try:
            os.write(self.out, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise Silent("the browser has ended") from None
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def script(self, text):
        """The value of an expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def open(self, url, ready="document.documentElement?.dataset.ready === 'true'"):
        self.call("Page.navigate", url=url)
        end = time.monotonic() + self.patience
        while not self.script(ready):
            if self.complaints():
                raise RuntimeError(self.complaints())
            if time.monotonic() > end:
                raise Silent("the page is not ready")
            time.sleep(.05)

    def emulate(self, dark=False, width=1280, height=900):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def settle(self):
        """Two frames: what was asked for is drawn."""
        self.script("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def move(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def asked_for(self):
        """Addresses that the network was asked for."""
        self.script("1")
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def complaints(self):
        """Errors of the console: scripts that fail, and what the page's policy refused."""
        self.script("1")
        return [e["params"] for e in self.events
                if e.get("method") == "Runtime.exceptionThrown" or e.get("method") == "Log.entryAdded" and
                e["params"]["entry"]["level"] == "error"]
