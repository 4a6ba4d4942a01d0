"""Logins and identities as views: what is known of a token, and who is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from dagy_cli.render.cells import NOTHING, duration_text, time_cell
from dagy_cli.render.view import Cell, Column, Fields, Lines, Table, View
from dagy_types import format_time

if TYPE_CHECKING:
    from dagy_auth import CredentialStore, Identity, TokenSet
    from dagy_cli.profiles import Setting
    from dagy_types.errors import DagyError

State = Literal["valid", "expired", "unknown", "logged_out"]

_GREEN, _RED, _YELLOW = 32, 31, 33
_STATE_COLORS = {"valid": _GREEN, "expired": _RED, "unknown": _YELLOW, "logged_out": _YELLOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStatus:
    """What this machine knows of one login, without asking anybody.

    Attributes:
        profile: Its name.
        source: Where its token comes from; ``None`` without one.
        store: What keeps it, if it is a login of ours.
        tokens: What is known of it; ``None`` when it was not looked at.
        fault: Why nothing could be found out.
    """

    profile: str
    state: State = "unknown"
    source: str | None = None
    store: CredentialStore | None = None
    tokens: TokenSet | None = None
    fault: DagyError | None = None


def state_of(tokens: TokenSet | None, now: datetime) -> State:
    """Return whether a token is good, as far as that can be told without asking."""
    if tokens is None or tokens.expires_at is None:
        return "unknown"
    if tokens.expires_at > now:
        return "valid"
    # Whether it can still be renewed, only the provider knows.
    return "unknown" if is_renewable(tokens) else "expired"


def is_renewable(tokens: TokenSet) -> bool:
    """Tell whether there is what a new token can be got with."""
    return tokens.refresh_token is not None


def statuses_view(statuses: Sequence[LoginStatus], *, selected: str, now: datetime) -> View:
    """Return a row for each login.

    Args:
        selected: The profile that commands use now.
    """
    titles = ("PROFILE", "STATE", "TOKEN IN", "ENCRYPTED", "EXPIRES")
    columns = tuple(Column(title, is_flexible=title == "TOKEN IN") for title in titles)
    return View(
        documents=[_status_document(each, selected) for each in statuses],
        is_list=True,
        blocks=[Table(columns, [_status_row(each, selected, now) for each in statuses])],
        name_field="profile",
    )


def whoami_view(
    identity: Identity | None,
    tokens: TokenSet,
    *,
    source: str,
    store: CredentialStore | None,
    server: Setting,
    profile: Setting | None,
    now: datetime,
) -> View:
    """Return who is logged in.

    Args:
        identity: What the server says; ``None`` when it was not asked.
        tokens: What is known of the token besides.
    """
    document = {
        **_identity_document(identity, tokens),
        "verified": identity is not None,
        "token_source": source,
        **_storage_document(store),
        **_expiry_document(tokens),
        "expires_in_seconds": _seconds_left(tokens, now),
        "server": server.value,
        "server_source": server.source,
        "profile": profile and profile.value,
        "profile_source": profile and profile.source,
    }
    mark = "" if identity is not None else " (unverified)"
    pairs = [
        ("User", Cell(f"{document['user'] or document['subject'] or 'unknown'}{mark}")),
        ("Organisation", _text_cell(document["organisation"] or document["organisation_id"])),
        ("Roles", _text_cell(", ".join(document["roles"]))),
        ("Scopes", _text_cell(" ".join(document["scopes"]))),
        ("Token from", Cell(source)),
        ("Storage", _text_cell(document["storage"])),
        ("Encrypted", _yes_or_no(store)),
        ("Expires", _expiry_cell(tokens, now)),
        ("Server", Cell(f"{server.value} ({server.source})")),
        ("Profile", NOTHING if profile is None else Cell(f"{profile.value} ({profile.source})")),
    ]
    return View(documents=[document], is_list=False, blocks=[Fields(pairs)])


def login_document(tokens: TokenSet, *, profile: str, server: str) -> dict[str, Any]:
    """Return the JSON object of a login that has just been made."""
    return {
        "profile": profile,
        "server": server,
        "user": tokens.email,
        "subject": tokens.subject,
        **_expiry_document(tokens),
    }


def token_view(token: str, tokens: TokenSet, *, server: str) -> View:
    """Return an access token, which is text for the program that reads it."""
    document = {"access_token": token, "server": server, **_expiry_document(tokens)}
    return View(documents=[document], is_list=False, blocks=[Lines([[Cell(token)]])])


def _identity_document(identity: Identity | None, tokens: TokenSet) -> dict[str, Any]:
    return {
        "user": (identity and identity.email) or tokens.email,
        "subject": (identity and identity.subject) or tokens.subject,
        "organisation": identity and identity.organisation,
        "organisation_id": identity and identity.organisation_id,
        "roles": list(identity.roles) if identity else [],
        "scopes": list((identity and identity.scopes) or tokens.scopes),
    }


def _storage_document(store: CredentialStore | None) -> dict[str, Any]:
    return {
        "storage": store and store.location,
        "encrypted": store and store.is_encrypted,
    }


def _expiry_document(tokens: TokenSet | None) -> dict[str, Any]:
    expires_at = tokens and tokens.expires_at
    return {
        "expires_at": expires_at and format_time(expires_at),
        "renewable": tokens and is_renewable(tokens),
    }


def _status_document(status: LoginStatus, selected: str) -> dict[str, Any]:
    return {
        "profile": status.profile,
        "selected": status.profile == selected,
        "state": status.state,
        "source": status.source,
        "origin": status.tokens and status.tokens.origin,
        **_storage_document(status.store),
        **_expiry_document(status.tokens),
    }


def _status_row(status: LoginStatus, selected: str, now: datetime) -> list[Cell]:
    return [
        Cell(f"{status.profile} *" if status.profile == selected else status.profile),
        Cell(status.state.replace("_", " "), _STATE_COLORS[status.state]),
        _text_cell(status.source if status.store is None else status.store.location),
        _yes_or_no(status.store),
        NOTHING if status.tokens is None else Cell(_when(status.tokens, now) or "unknown"),
    ]


def _seconds_left(tokens: TokenSet, now: datetime) -> float | None:
    if tokens.expires_at is None:
        return None
    return round((tokens.expires_at - now).total_seconds(), 3)


def _expiry_cell(tokens: TokenSet, now: datetime) -> Cell:
    when = _when(tokens, now)
    if when is None:
        return Cell("unknown")
    renewal = "; it is renewed by then" if is_renewable(tokens) else ""
    return Cell(f"{time_cell(tokens.expires_at).text} ({when}{renewal})")


def _when(tokens: TokenSet, now: datetime) -> str | None:
    seconds = _seconds_left(tokens, now)
    if seconds is None:
        return None
    return f"in {duration_text(seconds)}" if seconds > 0 else f"{duration_text(-seconds)} ago"


def _text_cell(text: str | None) -> Cell:
    return Cell(text) if text else NOTHING


def _yes_or_no(store: CredentialStore | None) -> Cell:
    if store is None:
        return NOTHING
    return Cell("yes" if store.is_encrypted else "no")
