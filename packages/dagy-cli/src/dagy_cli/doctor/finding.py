"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """How it is.

    Attributes:
        what: Its name, stable.
        state: A problem is what keeps Dagy from working here; a warning is for people to decide.
        message: For people; no secret is in it.
        hint: What to do about it.
    """

    what: str
    state: State
    message: str
    hint: str | None = None
