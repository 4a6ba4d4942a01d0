"""Sends a person's browser somewhere, and waits until it comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable

from dagy_auth._callback import Callback
from dagy_auth._loopback import LoopbackReceiver
from dagy_auth._notices import Notify, OpenUrl, Warned
from dagy_auth._secret import Secret

OpenBrowser = Callable[[str], object]
"""Opens a URL in a browser; returns ``False`` or raises when it cannot."""

ReadRedirect = Callable[[threading.Event], "str | None"]
"""Returns the next line that a person pastes, the URL that the browser was sent to.

It is called in a thread of its own, gives up with ``None`` as soon as the event is set, and may do
so before, when there is nothing more to read.
"""


def open_in_browser(url: str) -> bool:
    """Open a URL in the browser of this machine; tell whether there is one."""
    import webbrowser

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False


def callback_of(
    receiver: LoopbackReceiver,
    url: Secret,
    *,
    notify: Notify,
    open_browser: OpenBrowser | None,
    read_redirect: ReadRedirect | None,
    timeout_seconds: float,
) -> Callback:
    """Return what the browser brings back from a URL.

    Raises:
        NoCallbackError: When it does not come back in time.
    """
    notify(OpenUrl(url=url.reveal(), is_opening=open_browser is not None))
    if open_browser is not None:
        _start(lambda: _open(receiver, url, open_browser))
    if read_redirect is not None:
        _start(lambda: _read_pasted(receiver, read_redirect))
    return receiver.wait(timeout_seconds, notify=notify)


def _start(target: Callable[[], None]) -> None:
    # Nobody waits for it: a browser may run until it is closed, a person may never paste a line.
    threading.Thread(target=target, name="dagy-auth-browser", daemon=True).start()


def _open(receiver: LoopbackReceiver, url: Secret, open_browser: OpenBrowser) -> None:
    try:
        reason = "there is none" if open_browser(url.reveal()) is False else ""
    except Exception as error:  # noqa: BLE001  Whatever it is, a person can open the URL.
        reason = type(error).__name__
    if reason:
        message = f"The browser could not be opened: {reason}."
        receiver.post(Warned(message=message, hint="Open the URL yourself."))


def _read_pasted(receiver: LoopbackReceiver, read_redirect: ReadRedirect) -> None:
    try:
        while (text := read_redirect(receiver.is_closed)) is not None:
            if receiver.accept_url(text):
                return
            message = "This is not the URL that the browser was sent to in this login."
            receiver.post(Warned(message=message, hint="Copy the whole URL from its address bar."))
    except Exception as error:  # noqa: BLE001  It is raised where the login waits.
        receiver.post(error)
