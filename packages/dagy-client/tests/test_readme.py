from __future__ import annotations

import re
from pathlib import Path

import pytest

import dagy_client
from dagy_client import OPERATIONS, RetryPolicy, Timeouts
from dagy_client._limits import RETRIED_STATUSES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_table_of_operations_is_all_of_them() -> None:
    rows = re.findall(
        r"^\| `(\w+) (/\S*)` \| `client\.(\S+)` \|.*\| (\d+) \| (yes|no) \|$", README, re.MULTILINE
    )
    assert rows == [
        (each.method, each.path, each.name, str(each.status), "yes" if each.is_keyed else "no")
        for each in OPERATIONS
    ]


def test_the_table_of_retries_is_true() -> None:
    (row,) = re.findall(r"^\| (408, [\d, ]+) \| yes \|$", README, re.MULTILINE)
    assert {int(status) for status in row.split(", ")} == RETRIED_STATUSES


def test_the_limits_are_those_that_it_says() -> None:
    limits, policy = Timeouts(), RetryPolicy()
    text = " ".join(README.split())
    assert (
        f"connect {limits.connect:g}, read {limits.read:g}, write {limits.write:g}, "
        f"pool {limits.pool:g}, and {limits.total:g} in total" in text
    )
    assert f"{limits.transfer:g} for the transfer" in text
    assert f"{limits.heartbeat:g} of silence" in text
    assert f"between 0 and {policy.base_seconds:g} · 2ⁿ⁻¹ seconds" in text
    assert f"more than {policy.max_retry_after_seconds:g} seconds" in text


@pytest.mark.parametrize(
    "name",
    [each for each in dagy_client.__all__ if each.startswith("Api") and each.endswith("Error")],
)
def test_every_error_is_named(name: str) -> None:
    assert f"`{name}`" in README or name == "ApiUnavailableError"


def test_the_example_of_the_fake_server_works(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[-1]
    exec(example, {})
    assert capsys.readouterr().out == "ada@example.org\n"
