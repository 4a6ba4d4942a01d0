from __future__ import annotations

import pytest

from dagy_server.accounts.emails import normal_email
from dagy_types.errors import UsageError


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM\n", "ada@example.com"),
        ("STRASSE@example.com", "strasse@example.com"),
        ("straße@example.com", "strasse@example.com"),
        ("ada+tag@sub.example.com", "ada+tag@sub.example.com"),
        ("root@localhost", "root@localhost"),
        ("\uff41da@example.com", "ada@example.com"),
    ],
)
def test_an_address_is_kept_in_one_form(text: str, email: str) -> None:
    assert normal_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@example..com",
        "ada@.com",
        "a da@example.com",
        "<script>@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\u202e@example.com",
        "ada\x00@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "a" * 300,
        "\ud800@example.com",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not an e-mail address"):
        normal_email(text)
