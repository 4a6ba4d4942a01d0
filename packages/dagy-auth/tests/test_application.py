from __future__ import annotations

from dagy_auth import Application, Secret


def test_only_what_is_wanted_is_asked_for() -> None:
    nothing = Application(client_id="tool")
    assert nothing.asked == nothing.asked_again == {}
    application = Application(
        client_id="tool",
        scopes=("openid", "runs"),
        audience="api",
        resource="https://api.example.com",
    )
    assert application.asked == {
        "scope": "openid runs",
        "audience": "api",
        "resource": "https://api.example.com",
    }
    assert application.asked_again == {"resource": "https://api.example.com"}


def test_its_secret_is_not_seen() -> None:
    application = Application(client_id="tool", client_secret=Secret("canary"))
    assert "canary" not in repr(application)
