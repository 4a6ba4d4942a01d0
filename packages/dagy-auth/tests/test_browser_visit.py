from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from threading import Event

import pytest

from dagy_auth import NoCallbackError, Notice, OpenBrowser, OpenUrl, ReadRedirect, Secret, Warned
from dagy_auth._browser_visit import callback_of, open_in_browser
from dagy_auth._loopback import LoopbackReceiver

_URL = Secret("https://login.example.com/?state=the-state")
_ANSWER = "http://127.0.0.1:1/callback?code=1&state=the-state"


@pytest.fixture
def receiver() -> Iterator[LoopbackReceiver]:
    with LoopbackReceiver(state=Secret("the-state"), expects=("code",)) as receiver:
        yield receiver


def _visit(
    receiver: LoopbackReceiver,
    *,
    notices: list[Notice] | None = None,
    open_browser: OpenBrowser | None = None,
    read_redirect: ReadRedirect | None = None,
    timeout_seconds: float = 30.0,
) -> str:
    return callback_of(
        receiver,
        _URL,
        notify=([] if notices is None else notices).append,
        open_browser=open_browser,
        read_redirect=read_redirect,
        timeout_seconds=timeout_seconds,
    ).text("code")


def test_the_url_is_told_before_the_browser_opens(receiver: LoopbackReceiver) -> None:
    """AUTH-15"""
    notices: list[Notice] = []

    def open_browser(url: str) -> None:
        assert notices == [OpenUrl(url=url, is_opening=True)]
        receiver.accept_url(_ANSWER)

    assert _visit(receiver, notices=notices, open_browser=open_browser) == "1"


def test_a_login_needs_no_browser_here(receiver: LoopbackReceiver) -> None:
    """AUTH-15: the URL is told, and what the browser was sent to elsewhere is pasted."""
    notices: list[Notice] = []
    assert _visit(receiver, notices=notices, read_redirect=lambda closed: _ANSWER) == "1"
    assert notices == [OpenUrl(url=_URL.reveal(), is_opening=False)]


def test_what_is_pasted_wrong_can_be_pasted_again(receiver: LoopbackReceiver) -> None:
    lines = iter(["", "hello", _ANSWER])
    notices: list[Notice] = []
    _visit(receiver, notices=notices, read_redirect=lambda closed: next(lines))
    assert [type(notice) for notice in notices] == [OpenUrl, Warned, Warned]


def test_a_browser_can_answer_when_nothing_more_can_be_pasted(receiver: LoopbackReceiver) -> None:
    is_read = Event()

    def read_redirect(closed: Event) -> None:
        is_read.set()

    def open_browser(url: str) -> None:
        assert is_read.wait(30)
        receiver.accept_url(_ANSWER)

    assert _visit(receiver, open_browser=open_browser, read_redirect=read_redirect) == "1"


def test_whoever_reads_pasted_lines_is_told_that_the_login_is_over() -> None:
    is_told = Event()

    def read_redirect(closed: Event) -> None:
        if closed.wait(30):
            is_told.set()

    with LoopbackReceiver(state=Secret("the-state"), expects=("code",)) as receiver:
        _visit(receiver, open_browser=lambda url: receiver.accept_url(_ANSWER))
        receiver.accept_url(_ANSWER)
        with pytest.raises(NoCallbackError):
            _visit(receiver, read_redirect=read_redirect, timeout_seconds=0.0)
    assert is_told.wait(30)


def test_an_error_of_whoever_reads_pasted_lines_is_raised(receiver: LoopbackReceiver) -> None:
    def read_redirect(closed: Event) -> str:
        raise OSError("The terminal is gone.")

    with pytest.raises(OSError, match="terminal is gone"):
        _visit(receiver, read_redirect=read_redirect)


@pytest.mark.parametrize("error", [None, RuntimeError("canary")])
def test_a_browser_that_cannot_be_opened_is_a_warning(
    receiver: LoopbackReceiver, error: Exception | None
) -> None:
    notices: list[Notice] = []

    def open_browser(url: str) -> bool:
        if error is not None:
            raise error
        return False

    with pytest.raises(NoCallbackError):
        _visit(receiver, notices=notices, open_browser=open_browser, timeout_seconds=0.5)
    reason = "there is none" if error is None else "RuntimeError"
    message = f"The browser could not be opened: {reason}."
    assert notices[1:] == [Warned(message=message, hint="Open the URL yourself.")]


@pytest.mark.parametrize("outcome", [True, False, OSError(), webbrowser.Error()])
def test_the_browser_of_this_machine_is_opened(
    outcome: bool | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_(url: str) -> bool:
        assert url == _URL.reveal()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(webbrowser, "open", open_)
    assert open_in_browser(_URL.reveal()) is (outcome is True)
