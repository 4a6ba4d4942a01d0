"""Signing in and out, and what a person sees who is signed in."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from dagy_server.accounts.first_owner import has_nobody
from dagy_server.accounts.sign_in import find_by_password
from dagy_server.accounts.users import organisations_of
from dagy_server.oauth.forms import CONTENT_TYPE, read_form
from dagy_server.pages.destinations import HOME, safe_destination
from dagy_server.pages.sessions import end_session, start_session
from dagy_server.pages.visits import Visit, delete_cookie, redirect, set_cookie, visit_of
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change
from dagy_types.errors import AuthError, UsageError

router = Router("pages")


@route(router, "GET", HOME, needs=PUBLIC, operation="home_page", is_listed=False)
def home_page(call: Call) -> Response:
    """Show who is signed in, and how a program logs in."""
    visit = visit_of(call)
    if visit.person is None:
        return redirect("/sign-in")
    with call.view() as view:
        organisations = organisations_of(view.connection, visit.person.id)
    return visit.page("home", organisations=organisations)


@route(router, "GET", "/sign-in", needs=PUBLIC, operation="sign_in_page", is_listed=False)
def sign_in_page(call: Call) -> Response:
    """Ask for e-mail and password; whoever is signed in goes on at once."""
    visit = visit_of(call)
    destination = safe_destination(read_form(call.request.url.query).get("next", ""))
    if visit.person is not None:
        return redirect(destination)
    with call.view() as view:
        if has_nobody(view.connection):
            return redirect("/setup")
    return _sign_in_form(visit, destination)


@route(
    router,
    "POST",
    "/sign-in",
    needs=PUBLIC,
    operation="sign_in",
    audit="user.signed_in",
    accepts=CONTENT_TYPE,
    rate=Rate.LOGIN,
    is_listed=False,
)
def sign_in(call: Call) -> Response:
    """Sign in, and go on to where the person was."""
    visit = visit_of(call)
    form = visit.form()
    destination = safe_destination(form.get("next", ""))
    email, password = form.get("email", ""), form.get("password", "")
    try:
        person = find_by_password(call.services, email, password)
        if person is None:
            raise AuthError("The e-mail or the password is wrong.", hint="Check both.")
    except (AuthError, UsageError) as error:
        return _sign_in_form(visit, destination, email=email, error=error)

    def work(change: Change) -> Response:
        change.audit(person.id, actor=person.id)
        return signed_in(change, visit, person_id=person.id, destination=destination)

    return call.change(work)


@route(
    router,
    "POST",
    "/sign-out",
    needs=PUBLIC,
    operation="sign_out",
    audit="user.signed_out",
    accepts=CONTENT_TYPE,
    is_listed=False,
)
def sign_out(call: Call) -> Response:
    """End the session of the browser; what programs were allowed stays."""
    visit = visit_of(call)
    visit.form()
    answer = redirect("/sign-in")
    delete_cookie(answer, origin=visit.origin)
    person = visit.person
    if person is None:
        return answer

    def work(change: Change) -> Response:
        end_session(change.connection, visit.secret)
        change.audit(person.id, actor=person.id)
        return answer

    return call.change(work)


def signed_in(change: Change, visit: Visit, *, person_id: str, destination: str) -> Response:
    """Begin a session with a new secret, so that one that was planted before is of no use."""
    end_session(change.connection, visit.secret)
    answer = redirect(destination)
    secret = start_session(change.connection, user_id=person_id, now=change.now)
    set_cookie(answer, secret, origin=visit.origin)
    return answer


def to_sign_in(destination: str) -> Response:
    """Send a browser to the sign-in page, and from there back."""
    return redirect(f"/sign-in?{urlencode({'next': destination})}")


def _sign_in_form(
    visit: Visit, destination: str, *, email: str = "", error: Exception | None = None
) -> Response:
    return visit.page(
        "sign-in",
        status=200 if error is None else 401,
        next=destination,
        values={"email": email},
        error=error,
        person=None,
    )
