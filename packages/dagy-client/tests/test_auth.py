from __future__ import annotations

import pytest

from dagy_client import DagyClient
from dagy_client.testing import FakeServer
from dagy_types.errors import AuthError, NotLoggedInError

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1XzEifQ.c2ln-_"


@pytest.mark.parametrize("token", ["dagy_at_0123456789", "dagy_sk_0123456789", JWT])
def test_tokens_of_every_published_shape_are_sent_as_they_are(token: str) -> None:
    server = FakeServer(token=token)
    with server.client() as client:
        client.me()
    assert server.requests[0].headers["authorization"] == f"Bearer {token}"


@pytest.mark.parametrize("token", ["s3cret\n", "s3cret\r\nX: y", "s3 cret", "s3crét", "\0s3cret"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_told(token: str) -> None:
    server = FakeServer()
    with server.client(auth=token) as client:
        with pytest.raises(AuthError, match="cannot be sent") as caught:
            client.me()
        assert "s3cr" not in f"{caught.value} {caught.value.hint}"
    assert server.requests == []


def test_what_a_source_raises_is_what_the_caller_gets() -> None:
    class NobodyThere:
        def token(self, url: str) -> str:
            raise NotLoggedInError(f"Not logged in at {url}.")

        def reject(self, token: str) -> None:
            raise AssertionError

    with FakeServer().client(auth=NobodyThere()) as client, pytest.raises(NotLoggedInError):
        client.me()


def test_a_token_is_in_no_repr() -> None:
    with DagyClient("https://a.test", "s3cret") as client:
        assert "s3cret" not in repr(client)
        assert "s3cret" not in repr(client.runs)
