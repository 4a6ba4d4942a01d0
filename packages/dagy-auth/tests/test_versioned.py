from __future__ import annotations

import json

import pytest

from dagy_auth import Secret
from dagy_auth._versioned import NewerVersion, document_errors, parse_versioned
from dagy_types.errors import CredentialStoreError


def test_a_document_of_this_version_is_read() -> None:
    assert parse_versioned(Secret('{"version": 1, "a": 2}')) == {"version": 1, "a": 2}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"version": "1"}', '{"version": true}', '{"version": 0}'],
)
def test_anything_else_is_damage(text: str) -> None:
    with pytest.raises(ValueError):
        parse_versioned(Secret(text))


def test_a_newer_version_is_named_with_what_to_do() -> None:
    with pytest.raises(CredentialStoreError) as caught, document_errors("X", remedy="log in again"):
        parse_versioned(Secret('{"version": 7}'))
    assert caught.value.message == (
        "X was written by a newer version: format 7, and this one knows 1."
    )
    assert caught.value.hint == "Upgrade, or log in again."


def test_the_version_alone_decides_whether_it_is_newer() -> None:
    with pytest.raises(NewerVersion):
        parse_versioned(Secret(json.dumps({"version": 2, "unlike": ["anything", "known"]})))


@pytest.mark.parametrize("fault", [ValueError("secret"), RecursionError(), OverflowError()])
def test_damage_is_told_without_the_content(fault: Exception) -> None:
    with pytest.raises(CredentialStoreError) as caught, document_errors("X", remedy="move it away"):
        raise fault
    assert (caught.value.message, caught.value.hint) == ("X is damaged.", "Move it away.")
