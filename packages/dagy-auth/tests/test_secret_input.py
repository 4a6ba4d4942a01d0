from __future__ import annotations

import io
import os
import traceback

import pytest

from dagy_auth import Secret, read_secret
from dagy_types.errors import ConfigError

UNFIT = b"canary\0"


def read(data: bytes) -> Secret:
    return read_secret(io.BytesIO(data))


@pytest.mark.parametrize("data", [b"canary", b"canary\n", b"canary\r\n"])
def test_one_newline_at_the_end_is_not_part_of_the_secret(data: bytes) -> None:
    assert read(data) == Secret("canary")


def test_a_secret_is_read_from_a_pipe() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"can")
    os.write(writer, b"ary\n")
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        assert read_secret(stream) == Secret("canary")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b" \t \n", "it is empty"),
        (b" canary", "begins or ends with white space"),
        (b"canary\n\n", "begins or ends with white space"),
        (b"canary\ncanary\n", "a character that no token has"),
        (b"can\0ary", "a character that no token has"),
        (b"can\x1b[2Jary", "a character that no token has"),
        ("canarý".encode(), "a character that no token has"),
        (b"canary" * 11_000, "longer than 64 KiB"),
    ],
)
def test_what_can_be_no_token_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault) as caught:
        read(data)
    assert caught.value.message.startswith("No token can be read from the standard input: ")
    assert caught.value.hint == "Give it the token alone, on one line."


def test_the_largest_secret_is_read_and_no_more_is_ever_taken_from_the_stream() -> None:
    assert len(read(b"x" * 65_536 + b"\r\n").reveal()) == 65_536
    endless = io.BufferedReader(io.FileIO("/dev/zero"))
    with endless, pytest.raises(ConfigError, match="longer than 64 KiB"):
        read_secret(endless)


def test_an_error_shows_nothing_of_what_was_read_not_even_in_its_frames() -> None:
    """AUTH-06."""
    stream = io.BytesIO(UNFIT)
    with pytest.raises(ConfigError) as caught:
        read_secret(stream)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "canary" not in "".join(told.format())
