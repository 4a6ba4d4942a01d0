"""A real browser, driven over a pipe by its DevTools protocol: nothing to download for it."""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 30  # only a test that fails waits for so long
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-pipe",
)
Answer = dict[str, Any]  # Any: JSON


def find_chromium() -> str | None:
    """Return the program, if it is installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Chromium:
    """A browser with one empty tab, and a profile of its own that is gone afterwards."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._lock = threading.Condition()
        self._number = 0
        self.requested: list[str] = []
        """Every URL that the browser has asked for since its start."""
        self.complaints: list[str] = []
        """What it has found fault with, such as what a page's policy forbids."""

    def __enter__(self) -> Chromium:
        self._profile = Path(tempfile.mkdtemp(prefix="chromium-"))
        read_end, self._commands = os.pipe()
        self._events, write_end = os.pipe()
        # The protocol is spoken over the descriptors 3 and 4.
        script = f'exec "$@" 3<&{read_end} 4>&{write_end}'
        options = [*_OPTIONS, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", script, "bash", self._program, *options],
            pass_fds=(read_end, write_end),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_end)
        os.close(write_end)
        self._reader = threading.Thread(target=self._read, name="chromium")
        self._reader.start()
        self._session = ""
        targets = self.send("Target.getTargets")["targetInfos"]
        tab = next(each["targetId"] for each in targets if each["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._commands)  # which ends it
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join()
        os.close(self._events)
        shutil.rmtree(self._profile, ignore_errors=True)

    def send(self, method: str, **parameters: object) -> Answer:
        """Send a command of the protocol, and return its result."""
        self._number += 1
        message: Answer = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._answers.get(timeout=PATIENCE_SECONDS)
            if answer["id"] == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: Answer = answer["result"]
                return result

    def open(self, url: str) -> None:
        """Go to a URL, and wait for the page."""
        self.send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression: str) -> Any:  # Any: JSON
        """Return the value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true; the page may change meanwhile."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if self.evaluate(expression):
                    return
            except AssertionError:  # between two pages there is nothing to ask
                pass
            assert time.monotonic() < deadline, (expression, self.text())
            time.sleep(0.05)

    def submit(self) -> None:
        """Press the Enter key in a form, and wait for the page that comes of it."""
        self.evaluate("document.documentElement.dataset.old = 1")
        self.enter()
        self.wait_for("document.readyState === 'complete' && !document.documentElement.dataset.old")

    def focus(self) -> str:
        """Return what has the focus: what it says, or the name of a field."""
        return str(self.evaluate("document.activeElement.innerText || document.activeElement.name"))

    def text(self) -> str:
        """Return the text that the page shows."""
        return str(self.evaluate("document.body.innerText"))

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.send("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Press and release a key that is no letter."""
        values = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        text = {"text": "\r"} if key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **values, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **values)

    def tab(self) -> None:
        """Move the focus on, as people do who use no mouse."""
        self.press("Tab", 9)

    def enter(self) -> None:
        """Press the Enter key."""
        self.press("Enter", 13)

    def look(self, *, width: int, is_dark: bool) -> None:
        """Show pages in a window of this width, as somebody likes them who prefers dark ones."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=False,
        )

    def screenshot(self, path: Path) -> None:
        """Keep a picture of what the window shows."""
        picture = self.send("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(picture))

    def _read(self) -> None:
        rest = b""
        while part := os.read(self._events, 1 << 16):
            *messages, rest = (rest + part).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers.put(message)
                elif message["method"] == "Network.requestWillBeSent":
                    self.requested.append(message["params"]["request"]["url"])
                elif message["method"] == "Log.entryAdded":
                    self.complaints.append(message["params"]["entry"]["text"])
