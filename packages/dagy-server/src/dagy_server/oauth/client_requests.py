"""What all requests of programs, rather than of browsers, have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.responses import Response

from dagy_server.oauth.clients import CLIENT_IDS, PublicClient, find_client
from dagy_server.oauth.forms import CONTENT_TYPE, LONGEST_VALUE, Form, read_form
from dagy_server.oauth.refusals import OAuthRefusal
from dagy_server.oauth.scopes import Scopes, read_scopes
from dagy_server.permissions import Permission
from dagy_server.transactions import Call
from dagy_types.errors import UsageError

Handler = Callable[[Call, PublicClient, Form], Response]

KNOWN_SCOPES = tuple(each.value for each in Permission)


def for_client(handler: Handler) -> Callable[[Call], Response]:
    """Give a handler the program and the form, and answer its refusals in the way of OAuth."""

    @wraps(handler, assigned=("__module__", "__name__", "__doc__"))
    def answer(call: Call) -> Response:
        try:
            form = _form(call)
            return handler(call, _client(form), form)
        except OAuthRefusal as refusal:
            return refusal.response()

    del answer.__wrapped__  # its parameters are not the route's
    return answer


def asked_scopes(form: Form) -> Scopes:
    """Return the scopes that a form asks for.

    Raises:
        OAuthRefusal: When one of them is no permission.
    """
    try:
        return read_scopes(form.get("scope", ""), known=KNOWN_SCOPES)
    except ValueError:
        raise OAuthRefusal("invalid_scope", "A scope is not the name of a permission.") from None


def required(form: Form, name: str) -> str:
    """Return a field that must be there.

    Raises:
        OAuthRefusal: When it is not.
    """
    if name not in form:
        raise OAuthRefusal("invalid_request", f"There is no {name}.")
    return form[name]


def form_request(*needed: str, **others: Any) -> dict[str, Any]:
    """Return the part of a route's description that says which fields its form has.

    Args:
        needed: Those that must be there, beside the name of the program.
        others: What else there is to say of a field, needed or not.
    """
    others = {**others, "client_id": {"enum": list(CLIENT_IDS)}}
    text = {"type": "string", "maxLength": LONGEST_VALUE}
    fields = {name: {**text, **details} for name, details in others.items()}
    for name in needed:
        fields[name] = {**text, **fields.get(name, {}), "minLength": 1}
    schema = {"type": "object", "properties": fields, "required": ["client_id", *needed]}
    return {"requestBody": {"required": True, "content": {CONTENT_TYPE: {"schema": schema}}}}


def _form(call: Call) -> Form:
    try:
        return read_form(call.body)
    except UsageError as error:
        raise OAuthRefusal("invalid_request", error.message) from None


def _client(form: Form) -> PublicClient:
    client = find_client(required(form, "client_id"))
    if client is None:
        raise OAuthRefusal("invalid_client", "This server does not know the program.")
    return client
