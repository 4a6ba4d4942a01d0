"""Where a person enters the code that a device shows, and allows its login (RFC 8628 §3.3)."""

from __future__ import annotations

from starlette.responses import Response

from dagy_server.accounts.users import User, organisations_of
from dagy_server.oauth.clients import find_client
from dagy_server.oauth.device_codes import answer_device_login, find_pending_login
from dagy_server.oauth.forms import CONTENT_TYPE, Form, read_form
from dagy_server.oauth.user_codes import read_user_code, shown_user_code
from dagy_server.pages.account_pages import to_sign_in
from dagy_server.pages.consent_pages import chosen_organisation, nowhere
from dagy_server.pages.visits import Visit, visit_of
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change
from dagy_types.errors import NotFoundError

router = Router("pages")

PATH = "/device"


@route(
    router,
    "GET",
    PATH,
    needs=PUBLIC,
    operation="device_page",
    rate=Rate.LOGIN,
    is_listed=False,
)
def device_page(call: Call) -> Response:
    """Ask for the code, and then whether the login is wanted."""
    visit = visit_of(call)
    query = call.request.url.query
    code = read_form(query).get("user_code", "")
    if visit.person is None:
        return to_sign_in(f"{PATH}?{query}" if query else PATH)
    if not code:
        return visit.page("device", values={"user_code": ""})
    return _confirmation(visit, visit.person, code)


@route(
    router,
    "POST",
    PATH,
    needs=PUBLIC,
    operation="answer_device",
    audit="device_login.answered",
    accepts=CONTENT_TYPE,
    rate=Rate.LOGIN,
    is_listed=False,
)
def answer_device(call: Call) -> Response:
    """Allow the login of a device, or deny it."""
    visit = visit_of(call)
    form = visit.form()
    if visit.person is None:
        return to_sign_in(PATH)
    return _answer(visit, visit.person, form)


def _confirmation(visit: Visit, person: User, code: str) -> Response:
    with visit.call.view() as view:
        pending = find_pending_login(view.connection, code, now=view.now)
        organisations = organisations_of(view.connection, person.id)
    client = None if pending is None else find_client(pending.client_id)
    if pending is None or client is None:
        error = NotFoundError(
            "No login waits for this code.",
            hint="Check it. A code is good for ten minutes: start the login again for a new one.",
        )
        return visit.page("device", status=404, values={"user_code": code}, error=error)
    if not organisations:
        return nowhere(visit)
    letters = read_user_code(code) or ""
    return visit.page(
        "consent",
        action=PATH,
        client=client,
        scopes=pending.scopes,
        organisations=organisations,
        values={"user_code": letters},
        user_code=shown_user_code(letters),
    )


def _answer(visit: Visit, person: User, form: Form) -> Response:
    is_allowed = form.get("answer") == "allow"

    def work(change: Change) -> Response:
        organisation_id = None
        if is_allowed:
            organisations = organisations_of(change.connection, person.id)
            organisation_id = chosen_organisation(organisations, form).id
        was_waiting = answer_device_login(
            change.connection,
            form.get("user_code", ""),
            user_id=person.id,
            organisation_id=organisation_id,
            now=change.now,
        )
        if not was_waiting:
            raise NotFoundError(
                "This login does not wait any more.", hint="Start it again for a new code."
            )
        action = "device_login.allowed" if is_allowed else "device_login.denied"
        change.audit(person.id, action=action, actor=person.id, organisation_id=organisation_id)
        heading = "The login is allowed" if is_allowed else "The login is denied"
        text = "You can close this window now and go back to the program."
        return visit.page("message", heading=heading, text=text)

    return visit.call.change(work)
