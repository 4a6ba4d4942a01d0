from __future__ import annotations

import logging

import pytest

from dagy_client._redaction import (
    FOREIGN_LOGGERS,
    HeaderFilter,
    hide_secrets_of_others,
    redacted_headers,
)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "X-Auth",
        "access_token",
        "Client-Secret",
        "X-Api-Key",
        "Cookie",
        "Set-Cookie",
        "X-Amz-Signature",
        "Password",
        "Proxy-Authorization",
    ],
)
def test_a_header_is_hidden_by_a_part_of_its_name(name: str) -> None:
    """HTTP-12."""
    assert redacted_headers({name: "s3cret", "Accept": "a"}) == {name: "[hidden]", "Accept": "a"}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "x return_value=(200, [(b'Set-Cookie', b's3c\\'ret'), (b'A', b'b')])",
            "x return_value=(200, [(b'Set-Cookie', [hidden]), (b'A', b'b')])",
        ),
        (
            "Add (b'authorization', b\"it's s3cret\") to",
            "Add (b'authorization', [hidden]) to",
        ),
        ("nothing of that kind", "nothing of that kind"),
    ],
)
def test_pairs_of_bytes_are_read_as_headers(message: str, shown: str) -> None:
    record = logging.LogRecord("x", logging.DEBUG, "", 0, "%s", (message,), None)
    assert HeaderFilter().filter(record)
    assert record.getMessage() == shown


def test_other_libraries_are_filtered_once() -> None:
    for _ in range(3):
        hide_secrets_of_others()
    for name in FOREIGN_LOGGERS:
        filters = logging.getLogger(name).filters
        assert len([each for each in filters if isinstance(each, HeaderFilter)]) == 1
