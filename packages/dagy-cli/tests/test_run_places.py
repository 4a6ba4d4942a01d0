"""How commands find the run that they are told of."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from dagy_cli.run_places import find_run
from dagy_client.testing import FakeServer
from dagy_store import LocalMetadataStore
from dagy_types import Run, RunStatus
from dagy_types.errors import NotFoundError, UsageError


@pytest.fixture
def ids(add_run: Callable[..., str]) -> list[str]:
    return [
        add_run(run_id) for run_id in ("abcdef", "abcdefgh1234", "abcdefxy1234", "zzzzzzzzzzzz")
    ]


@pytest.mark.parametrize(
    ("beginning", "found"),
    [
        ("abcdefgh1234", "abcdefgh1234"),
        ("abcdefg", "abcdefgh1234"),
        ("zzzzzz", "zzzzzzzzzzzz"),
        ("abcdef", "abcdef"),  # a whole id is never ambiguous
    ],
)
def test_cli_29_the_beginning_of_an_id_is_enough(
    beginning: str, found: str, ids: list[str], store: LocalMetadataStore
) -> None:
    assert find_run(store, beginning).run_id == found


@pytest.mark.parametrize("beginning", ["zzzzz", "", "abcdefz", "z" * 33, "%" * 6, "\udcff" * 6])
def test_cli_29_fewer_characters_or_others_find_nothing(
    beginning: str, ids: list[str], store: LocalMetadataStore
) -> None:
    with pytest.raises(NotFoundError, match="There is no run"):
        find_run(store, beginning)


def test_cli_29_a_beginning_of_several_names_them(
    add_run: Callable[..., str], store: LocalMetadataStore
) -> None:
    for number in range(7):
        add_run(f"abcdef{number}")
    with pytest.raises(UsageError, match=r"several runs: abcdef6, .*abcdef2 and more"):
        find_run(store, "abcdef")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs", "show", "abcdefg"], "Run:         abcdefgh1234"),
        (["runs", "watch", "abcdefg"], "Run abcdefgh1234 FAILED"),
        (["logs", "abcdefg", "--format", "json"], '"run_id": "abcdefgh1234"'),
        (["runs", "cancel", "abcdefg"], "Run abcdefgh1234 is one of this machine"),
        (["runs", "retry", "abcdefg"], "Run abcdefgh1234 is one of this machine"),
        (["runs", "diff", "abcdefg", "abcdefgh1234"], "Both are run 'abcdefgh1234'"),
        (["runs", "resume", "abcdefg"], "Run abcdefgh1234"),
        (["runs", "push", "abcdefg"], "No server is known"),
        (["replay", "abcdefg", "--task", "absent"], "Run abcdefgh1234"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_cli_29_every_command_knows_a_run_by_the_beginning_of_its_id(
    words: list[str], said: str, ids: list[str], dagy: Callable[..., Any]
) -> None:
    ended = dagy(*words)
    assert said in ended.out + ended.err
    ended = dagy(*["abcdefq" if word == "abcdefg" else word for word in words])
    assert ended.code == 5
    assert "There is no run 'abcdefq'" in ended.err


def test_cli_29_a_run_of_the_server_is_found_likewise(
    api_server: FakeServer, dagy: Callable[..., Any]
) -> None:
    for run_id in ("qrstuvwx1234", "qrstuvyy1234"):
        api_server.add_run(
            Run(
                run_id=run_id,
                flow_name="daily",
                flow_version="1",
                status=RunStatus.QUEUED,
                created_at=datetime(2026, 11, 1, tzinfo=timezone.utc),
            )
        )
    shown = dagy("runs", "show", "qrstuvw", "--format", "json")
    assert json.loads(shown.out)["run_id"] == "qrstuvwx1234"
    ended = dagy("runs", "show", "qrstuv")
    assert ended.code == 2
    assert "several runs: qrstuvyy1234, qrstuvwx1234." in ended.err
