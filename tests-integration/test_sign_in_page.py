"""People sign in to a server with a real browser, and with that log the command line in.

Needs Debian's chromium; without it, it is skipped, but in CI.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chromium import PATIENCE_SECONDS, Chromium, find_chromium
from installed import Dagy, Environment

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"
ORGANISATION = "Research-and-Development-of-a-Company-with-a-very-long-Name & <b>Sons</b>"
CONSENT = (
    "/oauth/authorize?response_type=code&client_id=dagy-cli&redirect_uri=http://127.0.0.1/callback"
    f"&code_challenge={'x' * 43}&code_challenge_method=S256&scope=runs.read+flows.read"
)
SIGNED_IN = ("/", "/device", "/device?user_code=BBBB-BBBB", CONSENT, "/oauth/authorize")
"""Pages that somebody sees who is signed in."""


@pytest.fixture
def chromium() -> Iterator[Chromium]:
    program = find_chromium()
    if program is None and not os.environ.get("CI"):
        pytest.skip("not installed: chromium")
    assert program is not None
    with Chromium(program) as browser:
        yield browser


class Server:
    """A server that has just been started, and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.origin = self._said(r"is at (http://\S+)")
        self.code = self._said(r"with this code: (\S+)")

    def _said(self, pattern: str) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError("the server has ended")


@pytest.fixture
def server(
    server_environment: Environment, environ: dict[str, str], tmp_path: Path
) -> Iterator[Server]:
    command = [server_environment.python, "-m", "dagy_server", "--port=0"]
    process = subprocess.Popen(
        [*command, f"--data-dir={tmp_path / 'server'}"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Server(process)
        process.terminate()
        assert process.wait(timeout=PATIENCE_SECONDS) == 0


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """Where the URL is that the command line opens in "the browser"."""
    return tmp_path / "opened"


@pytest.fixture
def at_server(server: Server, cli: Environment, environ: dict[str, str], opened: Path) -> Dagy:
    """The command line, for this server, and with a browser that only tells where it was sent."""
    browser = opened.with_name("browser")
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" >{opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    settings = {
        "DAGY_API_URL": server.origin,
        "DAGY_AUTH_STORAGE": "file",
        "BROWSER": f"{browser} %s",
    }
    return Dagy(cli.dagy, environ | settings, opened.parent)


def set_up(chromium: Chromium, server: Server) -> None:
    """Become the first owner, with the keyboard alone."""
    chromium.open(server.origin)
    assert urlsplit(chromium.evaluate("location.href")).path == "/setup"
    fields = {
        "code": server.code,
        "organisation": ORGANISATION,
        "name": "Ada",
        "email": EMAIL,
        "password": PASSWORD,
    }
    for name, value in fields.items():
        assert chromium.focus() == name
        chromium.type(value)
        chromium.tab()
    assert chromium.focus() == "Create the account"
    chromium.submit()
    assert ORGANISATION in chromium.text()
    assert f"Signed in as {EMAIL}." in chromium.text()


def sign_out(chromium: Chromium) -> None:
    chromium.evaluate("document.querySelector('footer button').focus()")
    chromium.submit()
    assert urlsplit(chromium.evaluate("location.href")).path == "/sign-in"


def sign_in(chromium: Chromium, password: str = PASSWORD) -> None:
    """Sign in with the keyboard alone; after a failure, the address is there already."""
    if chromium.focus() == "email":
        chromium.type(EMAIL)
        chromium.tab()
    assert chromium.focus() == "password"
    chromium.type(password)
    chromium.submit()


def answer(chromium: Chromium, word: str) -> None:
    """Allow a login or deny it, with the keyboard alone."""
    chromium.evaluate("document.querySelector('main button').focus()")
    assert chromium.focus() == "Deny"
    if word == "Allow":
        chromium.tab()
        assert chromium.focus() == "Allow"
    chromium.enter()


def when_opened(opened: Path) -> str:
    """Return the URL that the command line has sent the browser to."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not opened.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return opened.read_text()


def origins(urls: list[str]) -> set[str]:
    parts = map(urlsplit, urls)
    return {f"{each.scheme}://{each.netloc}" for each in parts if each.scheme != "data"}


def test_a_person_signs_in_and_logs_the_command_line_in(
    chromium: Chromium, server: Server, at_server: Dagy, opened: Path
) -> None:
    """SEC-07: the browser asks nobody else for anything, and finds no fault with any page."""
    set_up(chromium, server)
    sign_out(chromium)
    process = at_server.start("login")
    with process:
        chromium.open(when_opened(opened))
        sign_in(chromium, "a wrong password")
        assert "The e-mail or the password is wrong." in chromium.text()
        sign_in(chromium)
        assert "Allow the dagy command line?" in chromium.text()
        answer(chromium, "Allow")
        chromium.wait_for("document.body.innerText.includes('You can close this window now')")
        callback = urlsplit(chromium.evaluate("location.href"))
        assert (callback.hostname, callback.path) == ("127.0.0.1", "/callback")
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert at_server.json("whoami")["user"] == EMAIL
    assert origins(chromium.requested) == {server.origin, f"http://{callback.netloc}"}
    # That a form is answered with 401 is no fault of a page.
    assert [each for each in chromium.complaints if "401" not in each] == []


def test_a_person_denies_a_login(
    chromium: Chromium, server: Server, at_server: Dagy, opened: Path
) -> None:
    set_up(chromium, server)
    process = at_server.start("login")
    with process:
        chromium.open(when_opened(opened))
        answer(chromium, "Deny")
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 3
    assert "was refused" in said


def test_a_person_enters_the_code_of_another_device(
    chromium: Chromium, server: Server, at_server: Dagy
) -> None:
    set_up(chromium, server)
    process = at_server.start("login", "--device")
    with process:
        assert process.stderr is not None
        code = next(filter(None, (re.search("[B-Z]{4}-[B-Z]{4}", line) for line in process.stderr)))
        chromium.open(f"{server.origin}/device")
        assert chromium.focus() == "user_code"
        chromium.type(code[0].lower())
        chromium.submit()
        assert code[0] in chromium.text()
        answer(chromium, "Allow")
        chromium.wait_for("document.body.innerText.includes('The login is allowed')")
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, said
    assert at_server.json("whoami")["user"] == EMAIL
    assert origins(chromium.requested) == {server.origin}
    assert chromium.complaints == []


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_fits_its_window_and_can_be_read(
    chromium: Chromium, server: Server, width: int, is_dark: bool
) -> None:
    chromium.look(width=width, is_dark=is_dark)
    for path in ("/setup", *SIGNED_IN, "/sign-in", "/invitation"):
        if path == SIGNED_IN[0]:
            set_up(chromium, server)
        if path == "/sign-in":
            chromium.open(server.origin)
            sign_out(chromium)
        chromium.open(f"{server.origin}{path}")
        assert chromium.evaluate("document.documentElement.scrollWidth") <= width
        assert lowest_contrast(chromium) >= 4.5, path
        assert nameless(chromium) == []


def nameless(chromium: Chromium) -> list[object]:
    """Return what a screen reader could not tell the name of."""
    nodes = chromium.send("Accessibility.getFullAXTree")["nodes"]
    return [
        each
        for each in nodes
        if each.get("role", {}).get("value") in ("textbox", "button", "link", "combobox")
        and not each["name"]["value"]
    ]


def lowest_contrast(chromium: Chromium) -> float:
    """Return the least contrast of a text with what is behind it (WCAG 2, 1.4.3)."""
    return float(chromium.evaluate(_CONTRAST))


_CONTRAST = """
(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((each) => each / 255)
    .map((each) => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("main *, header *, footer, footer *")]
    .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return Math.min(...texts.map((each) => {
    const colours = [channels(getComputedStyle(each).color), ground(each)];
    const [low, high] = colours.map(light).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }));
})()
"""
