"""How an account begins: the first owner's by the code on the console, others' by invitation."""

from __future__ import annotations

from starlette.responses import Response

from dagy_server.accounts.emails import normal_email
from dagy_server.accounts.first_owner import (
    FirstOwner,
    has_nobody,
    make_first_owner,
    require_first_owner_code,
)
from dagy_server.accounts.invitations import Invitation, accept_invitation, find_invitation
from dagy_server.accounts.passwords import SHORTEST_PASSWORD, require_good_password
from dagy_server.oauth.forms import CONTENT_TYPE, Form, read_form
from dagy_server.pages.account_pages import signed_in
from dagy_server.pages.destinations import HOME
from dagy_server.pages.visits import Visit, redirect, visit_of
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change
from dagy_types.errors import AuthError, DagyError, UsageError

router = Router("pages")

LONGEST_NAME = 100


@route(router, "GET", "/setup", needs=PUBLIC, operation="set_up_page", is_listed=False)
def set_up_page(call: Call) -> Response:
    """Ask for the one-time code and the first account."""
    visit = visit_of(call)
    with call.view() as view:
        if not has_nobody(view.connection):
            return redirect("/sign-in")
    code = read_form(call.request.url.query).get("code", "")
    return _set_up_form(visit, {"code": code})


@route(
    router,
    "POST",
    "/setup",
    needs=PUBLIC,
    operation="set_up",
    audit="organisation.created",
    accepts=CONTENT_TYPE,
    rate=Rate.LOGIN,
    is_listed=False,
)
def set_up(call: Call) -> Response:
    """Make the first organisation and its owner."""
    visit = visit_of(call)
    form = visit.form()
    code = form.get("code", "")
    try:
        with call.view() as view:
            require_first_owner_code(view.connection, code)
        owner = FirstOwner(
            email=normal_email(form.get("email", "")),
            name=line(form, "name", of="your name"),
            organisation=line(form, "organisation", of="the organisation"),
            password_hash=_hash_of_password(call, form),
        )
    except (AuthError, UsageError) as error:
        return _set_up_form(visit, form, error=error)

    def work(change: Change) -> Response:
        new = make_first_owner(change.connection, code, owner, now=change.now)
        change.audit(new.organisation_id, actor=new.user_id, organisation_id=new.organisation_id)
        return signed_in(change, visit, person_id=new.user_id, destination=HOME)

    return call.change(work)


@route(router, "GET", "/invitation", needs=PUBLIC, operation="invitation_page", is_listed=False)
def invitation_page(call: Call) -> Response:
    """Ask whoever is invited for a name and a password."""
    visit = visit_of(call)
    code = read_form(call.request.url.query).get("code", "")
    with call.view() as view:
        invitation = find_invitation(view.connection, code, now=view.now)
    return _invitation_form(visit, invitation, {"code": code})


@route(
    router,
    "POST",
    "/invitation",
    needs=PUBLIC,
    operation="accept_invitation",
    audit="invitation.accepted",
    accepts=CONTENT_TYPE,
    rate=Rate.LOGIN,
    is_listed=False,
)
def accept(call: Call) -> Response:
    """Give whoever is invited an account, and sign them in."""
    visit = visit_of(call)
    form = visit.form()
    code = form.get("code", "")
    with call.view() as view:
        invitation = find_invitation(view.connection, code, now=view.now)
    try:
        name = line(form, "name", of="your name")
        password_hash = _hash_of_password(call, form)
    except UsageError as error:
        return _invitation_form(visit, invitation, form, error=error)

    def work(change: Change) -> Response:
        accept_invitation(
            change.connection, code, name=name, password_hash=password_hash, now=change.now
        )
        change.audit(
            invitation.user_id,
            actor=invitation.user_id,
            organisation_id=invitation.organisation_id,
        )
        return signed_in(change, visit, person_id=invitation.user_id, destination=HOME)

    return call.change(work)


def line(form: Form, name: str, *, of: str) -> str:
    """Return a name that somebody has typed, in one line.

    Raises:
        UsageError: When there is none, or it is too long.
    """
    text = " ".join(
        "".join(each if each.isprintable() else " " for each in form.get(name, "")).split()
    )
    if not 1 <= len(text) <= LONGEST_NAME:
        raise UsageError(
            f"There is no name for {of}, or it is too long.",
            hint=f"Give it 1 to {LONGEST_NAME} characters.",
        )
    return text


def _hash_of_password(call: Call, form: Form) -> str:
    password = form.get("password", "")
    require_good_password(password)
    return call.services.passwords.hash(password)


def _set_up_form(visit: Visit, form: Form, *, error: DagyError | None = None) -> Response:
    fields = ("code", "organisation", "name", "email")
    return visit.page(
        "set-up",
        status=200 if error is None else 400,
        values={name: form.get(name, "") for name in fields},
        shortest_password=SHORTEST_PASSWORD,
        error=error,
        person=None,
    )


def _invitation_form(
    visit: Visit, invitation: Invitation, form: Form, *, error: DagyError | None = None
) -> Response:
    return visit.page(
        "invitation",
        status=200 if error is None else 400,
        invitation=invitation,
        values={"code": form.get("code", ""), "name": form.get("name", "")},
        shortest_password=SHORTEST_PASSWORD,
        error=error,
        person=None,
    )
