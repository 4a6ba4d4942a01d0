from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dagy_server.execution.patience import GivenUpError, patiently
from dagy_types.errors import AuthError, ConflictError, NetworkError, StoreError


@dataclass
class Time:
    """Time that passes only while somebody sleeps."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass
class AwayServer:
    """A server that answers once it has been asked so many times."""

    failures: float
    asked: int = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.failures:
            raise NetworkError("It is away.")
        return "yes"


def _ask(server: Callable[[], str], time: Time, root: Path, most_seconds: float = 60) -> str:
    return patiently(
        server,
        root=root,
        most_seconds=most_seconds,
        monotonic=time.monotonic,
        sleep=time.sleep,
    )


def test_a_server_that_answers_is_asked_once(tmp_path: Path) -> None:
    time, server = Time(), AwayServer(0)
    assert _ask(server, time, tmp_path) == "yes"
    assert (server.asked, time.pauses) == (1, [])


def test_a_server_that_is_away_is_asked_until_it_is_back(tmp_path: Path) -> None:
    time, server = Time(), AwayServer(10)
    assert _ask(server, time, tmp_path) == "yes"
    assert server.asked == 11


def test_pauses_grow_up_to_a_limit(tmp_path: Path) -> None:
    time = Time()
    _ask(AwayServer(20), time, tmp_path)
    assert time.pauses[:3] == pytest.approx([0.1, 0.15, 0.225])
    assert time.pauses == sorted(time.pauses)
    assert time.pauses[-5:] == [2.0] * 5


@pytest.mark.parametrize("most_seconds", [0, 1, 60])
def test_a_server_that_stays_away_is_given_up(tmp_path: Path, most_seconds: float) -> None:
    time = Time()
    with pytest.raises(GivenUpError):
        _ask(AwayServer(float("inf")), time, tmp_path, most_seconds)
    assert most_seconds < time.now - 1000 <= most_seconds + 2


def test_a_server_whose_directory_is_gone_is_given_up_at_once(tmp_path: Path) -> None:
    time, root = Time(), tmp_path / "execution"
    root.mkdir()
    server = AwayServer(float("inf"))

    def is_removed_later() -> str:
        if server.asked == 3:
            shutil.rmtree(root)
        return server()

    with pytest.raises(GivenUpError):
        _ask(is_removed_later, time, root)
    assert (server.asked, len(time.pauses)) == (4, 3)


@pytest.mark.parametrize("error", [AuthError("no"), ConflictError("no"), StoreError("no")])
def test_any_other_error_is_an_answer(tmp_path: Path, error: Exception) -> None:
    time = Time()

    def refuse() -> str:
        raise error

    with pytest.raises(type(error)) as raised:
        _ask(refuse, time, tmp_path)
    assert raised.value is error
    assert time.pauses == []
