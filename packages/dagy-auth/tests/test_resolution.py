from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from dagy_auth import Secret, StoredTokenSource, TokenSet, resolve_token_source
from dagy_types.errors import ConfigError, NotLoggedInError, TokenExpiredError

ORIGIN = "https://api.example.com/v1"
URL = "https://api.example.com/v1/runs"
CANARY = "canary"


class UntouchableStore:
    """A store that nothing may be asked of."""

    def __getattribute__(self, name: str) -> NoReturn:
        pytest.fail(f"the store was asked for {name}")


def untouched() -> StoredTokenSource:
    return StoredTokenSource(UntouchableStore(), "prod")  # type: ignore[arg-type]


def unneeded() -> NoReturn:
    pytest.fail("the stored login was opened")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("canary-file\n")
    path.chmod(0o600)
    return path


def test_each_place_comes_before_those_after_it(
    token_file: Path, make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    """AUTH-07."""
    store = make_store(prod=make_tokens(seconds=None))
    environ = {"DAGY_TOKEN": "canary-variable", "DAGY_TOKEN_FILE": str(token_file)}
    explicit: Secret | None = Secret("canary-explicit")
    found = []
    for step in ("explicit", "DAGY_TOKEN", "DAGY_TOKEN_FILE", "stored"):
        resolved = resolve_token_source(
            ORIGIN,
            environ=environ,
            explicit=explicit,
            stored=lambda: StoredTokenSource(store, "prod"),
        )
        found.append((resolved.description, resolved.source.token(URL)))
        explicit = None
        environ.pop(step, None)
    assert found == [
        ("an explicit argument", "canary-explicit"),
        ("DAGY_TOKEN", "canary-variable"),
        (f"{token_file} (DAGY_TOKEN_FILE)", "canary-file"),
        ("the login 'prod' in the memory of a test", "canary-access-1"),
    ]


@pytest.mark.parametrize("stored", [untouched, unneeded])
def test_with_another_token_the_store_is_not_touched(
    token_file: Path, stored: Callable[[], StoredTokenSource]
) -> None:
    """AUTH-07."""
    for options in (
        {"environ": {}, "explicit": Secret("canary")},
        {"environ": {"DAGY_TOKEN": "canary"}},
        {"environ": {"DAGY_TOKEN_FILE": str(token_file)}},
    ):
        resolved = resolve_token_source(ORIGIN, stored=stored, **options)  # type: ignore[arg-type]
        assert resolved.source.token(URL).startswith("canary")


def test_with_another_token_no_keyring_is_even_imported(tmp_path: Path) -> None:
    """AUTH-07."""
    program = (
        "import os, sys; from pathlib import Path; from dagy_auth import *; "
        "stored = lambda: StoredTokenSource(CredentialStores(Path('.')).for_name('prod'), 'prod'); "
        "found = resolve_token_source('https://x.example.com', environ=os.environ, stored=stored); "
        "found.source.token('https://x.example.com/runs'); "
        "assert not {'keyring', 'httpx', 'cryptography', 'authlib'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "DAGY_TOKEN": "canary"},
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_token_from_outside_is_bound_to_the_origin_too() -> None:
    """AUTH-21."""
    resolved = resolve_token_source(ORIGIN, environ={"DAGY_TOKEN": "canary"}, stored=unneeded)
    with pytest.raises(NotLoggedInError, match="The token from DAGY_TOKEN is for https://api"):
        resolved.source.token("https://other.example.com/")


def test_a_refused_token_from_outside_does_not_fall_back_to_the_stored_login() -> None:
    resolved = resolve_token_source(ORIGIN, environ={"DAGY_TOKEN": "canary"}, stored=unneeded)
    resolved.source.reject("canary")
    with pytest.raises(TokenExpiredError, match="The token from DAGY_TOKEN is refused"):
        resolved.source.token(URL)


def test_other_tools_have_variables_of_their_own() -> None:
    environ = {"DAGY_TOKEN": "canary-dagy", "ACME_TOKEN": "canary-acme\n"}
    resolved = resolve_token_source(ORIGIN, environ=environ, prefix="ACME", stored=unneeded)
    assert (resolved.description, resolved.source.token(URL)) == ("ACME_TOKEN", "canary-acme")


def test_an_empty_variable_counts_as_absent(
    make_store: Callable[..., Any], make_tokens: Callable[..., TokenSet]
) -> None:
    store = make_store(prod=make_tokens(seconds=None))
    resolved = resolve_token_source(
        ORIGIN,
        environ={"DAGY_TOKEN": "", "DAGY_TOKEN_FILE": ""},
        stored=lambda: StoredTokenSource(store, "prod"),
    )
    assert resolved.source.token(URL) == "canary-access-1"


def test_a_variable_without_a_token_is_an_error_that_shows_nothing_of_it() -> None:
    """AUTH-06."""
    environ = {"DAGY_TOKEN": f"{CANARY}\n{CANARY}"}
    with pytest.raises(ConfigError, match="No token can be read from DAGY_TOKEN") as caught:
        resolve_token_source(ORIGIN, environ=environ, stored=unneeded)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "No such file"), ("", "it is empty"), ("can\0ary", "a character that no token has")],
)
def test_a_file_without_a_token_is_an_error_that_names_it(
    token_file: Path, content: str | None, fault: str
) -> None:
    token_file.unlink()
    if content is not None:
        token_file.write_text(content)
    with pytest.raises(ConfigError, match=fault) as caught:
        resolve_token_source(ORIGIN, environ={"DAGY_TOKEN_FILE": str(token_file)}, stored=unneeded)
    assert caught.value.message.startswith(
        f"No token can be read from {token_file} (DAGY_TOKEN_FILE): "
    )
    assert caught.value.hint


def test_a_directory_is_no_token_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory") as caught:
        resolve_token_source(ORIGIN, environ={"DAGY_TOKEN_FILE": str(tmp_path)}, stored=unneeded)
    assert caught.value.hint == "Correct DAGY_TOKEN_FILE, or unset it to use the stored login."


def test_a_file_that_others_can_read_is_used_and_told_of(token_file: Path) -> None:
    token_file.chmod(0o444)  # as secrets are mounted in a container
    environ = {"DAGY_TOKEN_FILE": str(token_file)}
    resolved = resolve_token_source(ORIGIN, environ=environ, stored=unneeded)
    assert resolved.source.token(URL) == "canary-file"
    assert resolved.description.endswith(", which others can read (mode 444)")


def test_a_token_can_come_through_a_descriptor() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"canary\n")
    os.close(writer)
    environ = {"DAGY_TOKEN_FILE": f"/dev/fd/{reader}"}
    resolved = resolve_token_source(ORIGIN, environ=environ, stored=unneeded)
    os.close(reader)
    assert resolved.source.token(URL) == "canary"
