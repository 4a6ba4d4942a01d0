from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from dagy_auth import (
    Application,
    EnterCode,
    Http,
    Notice,
    TokenSet,
    Waiting,
    discover,
    login_with_device,
)
from dagy_auth.testing import FakeProvider
from dagy_types.errors import AuthError, DagyError, NetworkError

LogIn = Callable[..., TokenSet]
RESOURCE = "https://api.example.com"


class _Waits(list[float]):
    """A clock that is moved by waiting only, and remembers each wait."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0

    def wait(self, seconds: float) -> None:
        self.append(seconds)
        self.time += seconds

    def clock(self) -> float:
        return self.time


@pytest.fixture
def waits() -> _Waits:
    return _Waits()


@pytest.fixture
def log_in(provider: FakeProvider, waits: _Waits) -> LogIn:
    provider.device_interval = 5
    found = discover(provider.issuer)

    def log_in(**options: Any) -> TokenSet:
        return login_with_device(
            replace(found, **options.pop("changes", {})),
            Application(client_id=provider.client_id, scopes=("runs",), resource=RESOURCE),
            origin=provider.origin,
            wait=waits.wait,
            clock=waits.clock,
            **options,
        )

    return log_in


def _poll_count(provider: FakeProvider) -> int:
    return len(provider.requests_to("/token"))


def test_a_person_logs_in_on_another_device(provider: FakeProvider, log_in: LogIn) -> None:
    notices: list[Notice] = []
    tokens = log_in(notify=notices.append)
    assert provider.accepts(tokens.access_token.reveal())
    assert tokens.refresh_token is not None
    assert (tokens.origin, tokens.scopes) == (provider.origin, ("runs",))
    assert notices == [
        EnterCode(
            url=f"{provider.issuer}/device",
            user_code="WDJB-MJHT",
            complete_url=f"{provider.issuer}/device?user_code=WDJB-MJHT",
            expires_in_seconds=900.0,
        )
    ]
    # RFC 8707 §2.2: the resource is in the request for tokens as well, and again for new ones.
    assert [request.parameters["resource"] for request in provider.requests[-2:]] == [RESOURCE] * 2
    assert tokens.resource == RESOURCE


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], [5]),
        (["authorization_pending"] * 3, [5, 5, 5, 5]),
        (["slow_down"], [5, 10]),
        (["slow_down", "authorization_pending", "slow_down"], [5, 10, 10, 15]),
    ],
)
def test_the_provider_is_asked_as_often_as_it_wants(
    provider: FakeProvider, log_in: LogIn, waits: _Waits, answers: Sequence[str], expected: object
) -> None:
    """AUTH-17: interval, slow_down and authorization_pending, with each poll counted."""
    provider.device_answers = answers
    log_in()
    assert waits == expected
    assert _poll_count(provider) == len(waits)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("access_denied", "was refused"),
        ("expired_token", "The code was not entered before it expired"),
        ("invalid_grant", "refuses: invalid_grant"),
    ],
)
def test_a_refusal_ends_the_login_at_once(
    provider: FakeProvider, log_in: LogIn, answer: str, message: str
) -> None:
    """AUTH-17"""
    provider.device_answers = ["authorization_pending", answer]
    with pytest.raises(AuthError, match=message) as caught:
        log_in()
    assert caught.value.hint
    assert _poll_count(provider) == 2


def test_a_code_that_is_not_entered_is_not_asked_for_after_its_end(
    provider: FakeProvider, log_in: LogIn, waits: _Waits
) -> None:
    """AUTH-17: 900 seconds at an interval of five."""
    provider.device_answers = ["authorization_pending"] * 1000
    with pytest.raises(AuthError, match="before it expired"):
        log_in()
    assert _poll_count(provider) == 180
    assert sum(waits) == 900


def test_a_provider_that_does_not_answer_is_asked_less_often(
    provider: FakeProvider, log_in: LogIn, waits: _Waits
) -> None:
    """AUTH-17: as RFC 8628 §3.5 has it, up to a minute."""
    provider.misbehave("/token", "drop", times=4)
    provider.misbehave("/token", "error_500")
    notices: list[Notice] = []
    assert log_in(notify=notices.append)
    assert waits == [5, 10, 20, 40, 60, 60]
    assert [notice.seconds for notice in notices if isinstance(notice, Waiting)] == waits[1:]


def test_a_provider_that_answers_too_late_is_asked_less_often(
    provider: FakeProvider, log_in: LogIn, waits: _Waits
) -> None:
    provider.device_answers = ["authorization_pending"]
    provider.misbehave("/token", "slow")
    with Http(timeout_seconds=0.3) as http:
        assert log_in(http=http)
    assert waits == [5, 10]


@pytest.mark.parametrize(
    ("changes", "interval", "lifetime"),
    [
        ({"interval": None, "expires_in": None}, 5, 900),
        ({"interval": 0, "expires_in": 0}, 5, 900),
        ({"interval": -1, "expires_in": -1}, 5, 900),
        ({"interval": "soon", "expires_in": "late"}, 5, 900),
        ({"interval": 1e9, "expires_in": 1e9}, 5, 900),
        ({"interval": "7", "expires_in": "70"}, 7, 70),
    ],
)
def test_absurd_times_are_replaced(
    provider: FakeProvider,
    log_in: LogIn,
    waits: _Waits,
    changes: dict[str, Any],
    interval: float,
    lifetime: float,
) -> None:
    provider.device_changes = changes
    notices: list[Notice] = []
    log_in(notify=notices.append)
    assert waits == [interval]
    (notice,) = notices
    assert isinstance(notice, EnterCode)
    assert notice.expires_in_seconds == lifetime


def test_the_older_name_of_the_url_is_known(provider: FakeProvider, log_in: LogIn) -> None:
    provider.device_changes = {
        "verification_uri": None,
        "verification_url": "https://login.example.com/device",
        "verification_uri_complete": "javascript:alert(1)",
        "user_code": "A\x1b[2J",
    }
    notices: list[Notice] = []
    log_in(notify=notices.append)
    (notice,) = notices
    assert isinstance(notice, EnterCode)
    assert notice.url == "https://login.example.com/device"
    assert (notice.complete_url, notice.user_code) == (None, "A\\x1b[2J")


@pytest.mark.parametrize(
    "changes",
    [
        {"device_code": None},
        {"user_code": 7},
        {"verification_uri": "not a URL"},
        {"verification_uri": "http://login.example.com/device"},
        {"verification_uri": "https://login.example.com/\x1b[2J"},
    ],
)
def test_an_answer_without_a_code_or_a_url_is_an_error(
    provider: FakeProvider, log_in: LogIn, changes: dict[str, Any]
) -> None:
    provider.device_changes = changes
    with pytest.raises(AuthError, match="without a code, or without a URL"):
        log_in()


@pytest.mark.parametrize(
    ("kind", "error"), [("html", AuthError), ("truncated", AuthError), ("error_500", NetworkError)]
)
def test_a_provider_that_misbehaves_is_an_error_of_one_line(
    provider: FakeProvider, log_in: LogIn, kind: Any, error: type[DagyError]
) -> None:
    provider.misbehave("/device_authorization", kind)
    with pytest.raises(error) as caught:
        log_in()
    assert str(caught.value).isprintable()


def test_tokens_that_do_not_come_whole_are_an_error(provider: FakeProvider, log_in: LogIn) -> None:
    provider.misbehave("/token", "truncated")
    with pytest.raises(AuthError, match="no whole JSON"):
        log_in()


def test_a_provider_without_codes_is_an_error(log_in: LogIn) -> None:
    with pytest.raises(AuthError, match="has no login by code"):
        log_in(changes={"device_authorization_endpoint": None})


_PROGRAM = """
import sys
from dagy_auth import Application, discover, login_with_device

application = Application(client_id="dagy-cli")
try:
    login_with_device(
        discover(sys.argv[1]), application, origin=sys.argv[1],
        notify=lambda notice: print(notice.user_code, flush=True),
    )
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("is_slow", [False, True])
def test_control_c_ends_a_login_at_once(provider: FakeProvider, is_slow: bool) -> None:
    """AUTH-17: within 500 ms, while it waits and while the provider does not answer."""
    provider.device_interval = 0.01 if is_slow else 60
    if is_slow:
        provider.misbehave("/token", "slow")
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, provider.issuer], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "WDJB-MJHT\n"
        if is_slow:
            provider.wait_for("/token")
        interrupted_at = monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"
        assert process.wait(30) == 0
        assert monotonic() - interrupted_at < 0.5
