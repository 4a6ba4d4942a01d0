"""What people see of the requests that a command makes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dagy_client.testing import FakeServer


def test_cli_27_each_request_is_told_if_asked_for(
    api_server: FakeServer, dagy: Callable[..., Any]
) -> None:
    told = dagy("runs", "list", "--remote", "--verbose").err.splitlines()
    assert re.fullmatch(r"GET /v1/runs: 200 in \d+ ms \(attempt 1, request \S+\)", told[0])
    assert "Headers" not in "".join(told)


def test_cli_27_debug_adds_the_headers_without_secrets(
    api_server: FakeServer, dagy: Callable[..., Any]
) -> None:
    told = dagy("--debug", "runs", "list", "--remote").err
    assert "GET /v1/runs: 200" in told
    assert "'Authorization': '[hidden]'" in told
    assert "dagy_at_fake" not in told


@pytest.mark.parametrize("words", [[], ["--quiet"]])
def test_cli_27_else_nothing_is_told(
    words: list[str], api_server: FakeServer, dagy: Callable[..., Any]
) -> None:
    dagy("runs", "list", "--remote", "--verbose")  # leaves nothing behind
    assert "GET" not in dagy("runs", "list", "--remote", *words).err


def test_cli_27_verbose_and_quiet_contradict_each_other(dagy: Callable[..., Any]) -> None:
    assert dagy("runs", "list", "--verbose", "--quiet").code == 2
