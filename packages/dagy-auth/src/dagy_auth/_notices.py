"""What a login has to say while it runs: a program shows it, the library prints nothing.

What a notice shows of itself in a ``repr`` can be logged; a URL or a code of a login cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUrl:
    """This URL is to be opened in a browser on this machine.

    Attributes:
        is_opening: Whether it is about to be opened by itself; show it all the same.
    """

    url: str = field(repr=False)
    is_opening: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterCode:
    """This code is to be entered at this URL, in a browser on any machine.

    Attributes:
        complete_url: A URL that has the code in it already, if there is one.
        expires_in_seconds: How long the code is good.
    """

    url: str
    user_code: str = field(repr=False)
    complete_url: str | None = field(repr=False)
    expires_in_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The provider did not answer, and is asked again after a while."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something is not as it should be, and the login goes on.

    Attributes:
        message: What, in one line.
        hint: What to do, in one line.
    """

    message: str
    hint: str


Notice = OpenUrl | EnterCode | Waiting | Warned
"""Any of them."""

Notify = Callable[[Notice], None]
"""Is told each notice, in the thread that called the login."""


def ignore(notice: Notice) -> None:
    """Tell nobody."""
    del notice
