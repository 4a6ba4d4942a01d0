"""Completion of the command in shells: their scripts ask the command itself what may follow.

They ask `dagy __complete`, with all that has been typed after it, the last word unfinished.
"""

from __future__ import annotations

FILES = ":files"
"""The answer that leaves it to the shell to offer files."""

SHELLS = ("bash", "zsh", "fish")
