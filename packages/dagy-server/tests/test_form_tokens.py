from __future__ import annotations

import pytest

from dagy_server.pages.form_tokens import form_token, is_own_form

ORIGIN = "http://127.0.0.1:8000"
OWN = {
    "token": form_token("dagy_bs_x"),
    "browser_secret": "dagy_bs_x",
    "origin": ORIGIN,
    "sent_from": ORIGIN,
}


@pytest.mark.parametrize("sent_from", [ORIGIN, None])
def test_a_form_of_this_browser_and_this_server_is_accepted_sec_07(sent_from: str | None) -> None:
    assert is_own_form(**{**OWN, "sent_from": sent_from})  # type: ignore[arg-type] # one table


@pytest.mark.parametrize(
    "changes",
    [
        {"token": ""},
        {"token": form_token("dagy_bs_y")},
        {"token": "é"},
        {"browser_secret": None},
        {"browser_secret": "", "token": form_token("")},
        {"sent_from": "null"},
        {"sent_from": "https://evil.example"},
        {"sent_from": "http://127.0.0.1:8001"},
        {"sent_from": "https://127.0.0.1:8000"},
    ],
)
def test_any_other_form_is_refused_sec_07(changes: dict[str, str]) -> None:
    assert not is_own_form(**{**OWN, **changes})  # type: ignore[arg-type] # one table


def test_a_form_does_not_give_the_cookie_away() -> None:
    assert "dagy_bs_x" not in form_token("dagy_bs_x")
