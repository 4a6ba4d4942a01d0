"""Parts what a process has open from its copies in child processes."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that must not be carried into a child process as it is."""

    def before_fork(self) -> None:
        """Get ready: another process is about to get a copy of everything."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Let go of what only the parent may have."""


class _Forks:
    """The hooks of this process; Python cannot take hooks back, so there is one set for all."""

    def __init__(self) -> None:
        self._known: WeakSet[Forkable] = WeakSet()
        self._parting: list[Forkable] = []
        self._is_registered = False

    def follow(self, forkable: Forkable) -> None:
        self._known.add(forkable)
        if not self._is_registered:
            self._is_registered = True
            os.register_at_fork(
                before=self._before,
                after_in_parent=self._after_in_parent,
                after_in_child=self._after_in_child,
            )

    def _before(self) -> None:
        self._parting = list(self._known)
        for forkable in self._parting:
            forkable.before_fork()

    def _after_in_parent(self) -> None:
        while self._parting:
            self._parting.pop().after_fork_in_parent()

    def _after_in_child(self) -> None:
        while self._parting:
            self._parting.pop().after_fork_in_child()


_FORKS = _Forks()


def follow_forks(forkable: Forkable) -> None:
    """Tell the object of every fork from now on, for as long as somebody holds it."""
    _FORKS.follow(forkable)
