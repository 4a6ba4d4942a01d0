from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_me_has_the_published_fields(client: Any, owner: Any) -> None:
    assert client.get("/me", headers=owner.headers).json() == {
        "user_email": "owner@example.com",
        "org_id": owner.organisation_id,
        "role": "owner",
    }


def test_users_me_has_the_published_fields(client: Any, viewer: Any) -> None:
    assert client.get("/users/me", headers=viewer.headers).json() == {
        "user_email": viewer.email,
        "org_id": viewer.organisation_id,
        "org_name": "Acme",
        "role": "viewer",
        "super_admin": False,
    }


def test_a_key_is_told_who_made_it_even_without_scopes(
    client: Any, owner: Any, new_api_key: Callable[..., Any]
) -> None:
    answer = client.get("/me", headers=new_api_key(owner, ()).headers)
    assert answer.json()["user_email"] == "owner@example.com"
