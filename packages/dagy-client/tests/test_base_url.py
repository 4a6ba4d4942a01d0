from __future__ import annotations

import pytest

from dagy_client._base_url import parse_base_url, redirect_target, shown_origin
from dagy_types.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.dagy.io/v1", "https://api.dagy.io/v1/runs"),
        ("https://api.dagy.io/app/", "https://api.dagy.io/app/runs"),
        ("https://api.dagy.io", "https://api.dagy.io/runs"),
        ("http://localhost:8000/", "http://localhost:8000/runs"),
        ("http://[::1]:8000", "http://[::1]:8000/runs"),
    ],
)
def test_every_published_base_url_works_with_its_prefix(text: str, url: str) -> None:
    assert parse_base_url(text).url_of("/runs") == url


@pytest.mark.parametrize(
    "text", ["", "api.dagy.io", "ftp://api.dagy.io", "https://", "https://h:port", "https://[::1"]
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="base URL") as caught:
        parse_base_url(text)
    assert caught.value.hint is not None


@pytest.mark.parametrize("text", ["https://a.io/\nx", "https://a.io ", "https://a.io/?x=1"])
def test_what_is_more_than_a_base_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_base_url(text)


@pytest.mark.parametrize(
    "text", ["https://u:s3cret@a.io/v1", "https://s3cret@a.io", "https://@a.io"]
)
def test_credentials_in_the_base_url_are_refused_and_not_told(text: str) -> None:
    """HTTP-13."""
    with pytest.raises(ConfigError, match=r"on a\.io contains credentials") as caught:
        parse_base_url(text)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/v2/me", "https://a.io/v2/me"),
        ("https://a.io:443/x#y", "https://a.io:443/x"),
        ("https://b.io/v1/me", None),
        ("http://a.io/v1/me", None),
        ("https://a.io:444/v1/me", None),
        ("https://u:p@a.io/v1/me", None),
        ("//b.io/", None),
        ("https://[", None),
        ("https://a.io:port/", None),
    ],
)
def test_a_redirect_stays_at_the_origin(location: str, target: str | None) -> None:
    assert redirect_target("https://a.io/v1/me", location) == target


def test_an_origin_is_shown_without_what_may_be_secret() -> None:
    assert shown_origin("https://u:p@b.io/x?token=y") == "https://b.io"
    assert shown_origin("http://localhost:8000/v1") == "http://localhost:8000"
    assert shown_origin("https://[") == shown_origin("") == "an unreadable URL"
