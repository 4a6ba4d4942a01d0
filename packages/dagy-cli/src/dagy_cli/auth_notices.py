"""What a login has to say while it runs, on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagy_auth import EnterCode, OpenUrl, Waiting
from dagy_cli.render.cells import duration_text

if TYPE_CHECKING:
    from dagy_auth import Notice, Notify
    from dagy_cli.console import Console


def notices_on(console: Console, *, takes_pasted_url: bool = False) -> Notify:
    """Return what shows notices on stderr; what a login cannot do without, even when it is quiet.

    Args:
        takes_pasted_url: Whether the URL that the browser ends at can be pasted.
    """

    def show(notice: Notice) -> None:
        if isinstance(notice, OpenUrl):
            console.alert(_opening(notice))
            console.note(_waiting(takes_pasted_url=takes_pasted_url))
        elif isinstance(notice, EnterCode):
            console.alert(_entering(notice))
            console.note("Waiting until that is done. Ctrl-C stops.")
        elif isinstance(notice, Waiting):
            console.note(f"{notice.reason} Asking again in {notice.seconds:.0f} s.")
        else:
            console.alert(f"warning: {notice.message} {notice.hint}")

    return show


def _opening(notice: OpenUrl) -> str:
    if notice.is_opening:
        return f"Opening the browser. If none appears, open this URL in it:\n\n{notice.url}\n"
    return f"Open this URL in a browser:\n\n{notice.url}\n"


def _waiting(*, takes_pasted_url: bool) -> str:
    if takes_pasted_url:
        return (
            "Waiting for the browser. Is it on another machine? Then it ends at a page that\n"
            "cannot be shown: paste the URL of that page here. Ctrl-C stops."
        )
    return "Waiting for the browser. Ctrl-C stops."


def _entering(notice: EnterCode) -> str:
    text = (
        f"Open {notice.url} in a browser on any device,\n"
        f"and enter the code: {notice.user_code} "
        f"(good for {duration_text(notice.expires_in_seconds)})"
    )
    if notice.complete_url is not None:
        text += f"\nOr open this URL, which has the code in it:\n\n{notice.complete_url}\n"
    return text
