"""What a server has answered, and whether that is of any use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from dagy_auth._secret import Secret
from dagy_types.errors import AuthError, DagyError, NetworkError

_MAX_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that has come in whole.

    Attributes:
        host: Who has answered.
        document: The JSON object in it, if that is what it is.
        content: What it is, in words.
        sent_at: When the request was sent, in UTC by this machine's clock.
        clock_skew_seconds: How far this machine's clock is ahead of the server's; 0 when that is
            less than can be told.
        error: The name of the refusal (RFC 6749 §5.2); empty when there is none.
        description: What the server says about the refusal, without any secret it was sent.
    """

    host: str
    status: int
    document: Mapping[str, Any] | None = field(repr=False)
    content: str
    sent_at: datetime
    clock_skew_seconds: float = 0.0
    error: str = ""
    description: str = ""


def read_document(body: bytes, *, content_type: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return the JSON object that a body is, or ``None``, and what it is in words."""
    import json

    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document, "a JSON object"
    if not body.strip():
        return None, "nothing"
    if "html" in content_type.lower() or body.lstrip()[:9].lower() in (b"<!doctype", b"<html"):
        return None, "an HTML page"
    return None, "no JSON object" if document is not None else "no whole JSON"


def refusal_in(document: Mapping[str, Any] | None, *, secrets: Iterable[Secret]) -> tuple[str, str]:
    """Return the name and the description of the refusal in a document; both can be empty."""
    document = document or {}
    error, description = (
        shown(value, secrets=secrets) if isinstance(value, str) else ""
        for value in (document.get("error"), document.get("error_description"))
    )
    return error, description if error else ""


def shown(text: str, *, secrets: Iterable[Secret] = ()) -> str:
    """Return a text from elsewhere as it can be shown in a line: short, printable, no secrets."""
    for secret in secrets:
        for form in {secret.reveal(), quote_plus(secret.reveal())} - {""}:
            text = text.replace(form, "***")
    text = text[:_MAX_SHOWN]
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    ).strip()


def refusal_of(answer: Answer) -> DagyError | None:
    """Return what is wrong with an answer; ``None`` when it is a success with a JSON object."""
    reason = ": ".join(filter(None, (answer.error, answer.description)))
    if answer.status >= 500 or answer.status == 429:
        what = f"{answer.host} is not available (status {answer.status})"
        return NetworkError(f"{what}{': ' if reason else ''}{reason}.", hint="Try again later.")
    if 300 <= answer.status < 400:
        return AuthError(
            f"{answer.host} redirects to another place, which is not followed "
            f"(status {answer.status}).",
            hint="Check the URL of the provider.",
        )
    if reason:
        return AuthError(f"{answer.host} refuses: {reason}.", hint=_remedy(answer.error))
    if answer.status >= 400:
        return AuthError(
            f"{answer.host} refuses with status {answer.status} and {answer.content}.",
            hint="Check the URL of the provider, and log in again.",
        )
    if answer.document is None:
        return AuthError(
            f"{answer.host} answered with {answer.content} where a JSON object was expected.",
            hint="Check the URL; a proxy, or the login page of a network, may have answered.",
        )
    return None


def require_success(answer: Answer) -> None:
    """Raise what is wrong with an answer.

    Raises:
        AuthError: When it is a refusal, or no JSON object.
        NetworkError: When the server is not available for now.
    """
    refusal = refusal_of(answer)
    if refusal is not None:
        raise refusal


def require_available(answer: Answer) -> None:
    """Raise only what may be better in a while.

    Raises:
        NetworkError: When the server is not available for now.
    """
    refusal = refusal_of(answer)
    if isinstance(refusal, NetworkError):
        raise refusal


def _remedy(error: str) -> str:
    if error in ("invalid_client", "unauthorized_client"):
        return "Check the client id and the client secret."
    if error == "invalid_scope":
        return "Check the scopes that are asked for."
    return "Log in again."
