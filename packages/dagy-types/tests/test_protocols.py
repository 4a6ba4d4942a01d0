from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import datetime, timezone

import pytest

from dagy_types import Attempt, AttemptResult, Output

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def test_an_attempt_hands_back_what_its_call_returns() -> None:
    output = Output(data=b"3", serializer="json")
    assert Attempt("load", 1, lambda: output).call() is output


def test_an_attempt_result_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        AttemptResult("load", 1, NOON, Output(b"1", "json")).outcome = ValueError()  # type: ignore[misc]  # the point
