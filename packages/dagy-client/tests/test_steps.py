from __future__ import annotations

import pytest

from dagy_client._steps import Plan, Progress, Sleep, Trouble, WireError, WireRequest, work


def test_a_plan_goes_on_with_what_comes_of_its_steps() -> None:
    def plan() -> Plan[int]:
        one = yield from work(lambda: 1)
        yield Sleep(5.0)
        return one + 1

    progress = Progress(plan())
    progress.go_on(41)
    assert progress.step == Sleep(5.0)
    progress.go_on(None)
    assert (progress.step, progress.result) == (None, 42)


def test_a_plan_may_end_with_a_failure_that_it_knows() -> None:
    def plan() -> Plan[str]:
        try:
            yield Sleep(1.0)
        except WireError as error:
            return error.trouble.name
        return "slept"

    progress = Progress(plan())
    progress.fail(WireError(Trouble.BROKEN_OFF))
    assert progress.result == "BROKEN_OFF"


def test_a_plan_that_is_closed_does_what_it_must() -> None:
    done = []

    def plan() -> Plan[None]:
        try:
            yield Sleep(1.0)
        finally:
            done.append("closed")

    Progress(plan()).close()
    assert done == ["closed"]


def test_a_request_shows_no_headers_and_no_body() -> None:
    request = WireRequest(
        method="GET",
        url="https://a.test/me",
        headers={"Authorization": "s3cret"},
        content=b"s3cret",
        deadline=0.0,
        idle_seconds=1.0,
    )
    assert "s3cret" not in repr(request)
    with pytest.raises(AttributeError):
        request.url = "x"  # type: ignore[misc] # it is frozen
