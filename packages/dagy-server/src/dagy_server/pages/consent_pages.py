"""Where a person allows a program to work in their name (RFC 6749 §4.1)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from starlette.responses import Response

from dagy_server.accounts.users import User, UserOrganisation, organisations_of
from dagy_server.oauth.authorization_request import (
    PARAMETERS,
    AuthorizationRequest,
    Refusal,
    Unanswerable,
    answer_url,
    read_authorization_request,
)
from dagy_server.oauth.client_requests import KNOWN_SCOPES
from dagy_server.oauth.codes import issue_code
from dagy_server.oauth.forms import CONTENT_TYPE, Form, read_form
from dagy_server.pages.account_pages import to_sign_in
from dagy_server.pages.visits import Visit, redirect, visit_of
from dagy_server.rate_limits import Rate
from dagy_server.routing import PUBLIC, Router, route
from dagy_server.transactions import Call, Change
from dagy_types.errors import PermissionDeniedError

router = Router("pages")

PATH = "/oauth/authorize"


@route(router, "GET", PATH, needs=PUBLIC, operation="authorize_page", is_listed=False)
def authorize_page(call: Call) -> Response:
    """Ask whether a program may work in the name of whoever is signed in."""
    visit = visit_of(call)
    form = read_form(call.request.url.query)
    asked = _read(form)
    if isinstance(asked, Unanswerable):
        return unanswerable(visit, asked)
    if isinstance(asked, Refusal):
        return _refused(visit, asked)
    if visit.person is None:
        return to_sign_in(f"{PATH}?{call.request.url.query}")
    with call.view() as view:
        organisations = organisations_of(view.connection, visit.person.id)
    if not organisations:
        return nowhere(visit)
    return visit.page(
        "consent",
        form_targets=(_form_target(asked.redirect_uri),),
        action=PATH,
        client=asked.client,
        scopes=asked.scopes,
        organisations=organisations,
        values={name: form[name] for name in PARAMETERS if name in form},
        user_code=None,
    )


@route(
    router,
    "POST",
    PATH,
    needs=PUBLIC,
    operation="authorize",
    audit="login.allowed",
    accepts=CONTENT_TYPE,
    rate=Rate.TOKEN,
    is_listed=False,
)
def authorize(call: Call) -> Response:
    """Send the browser back to the program, with a code or without."""
    visit = visit_of(call)
    form = visit.form()
    asked = _read(form)
    if isinstance(asked, Unanswerable):
        return unanswerable(visit, asked)
    if isinstance(asked, Refusal):
        return _refused(visit, asked)
    if visit.person is None:
        values = {name: form[name] for name in PARAMETERS if name in form}
        return to_sign_in(f"{PATH}?{urlencode(values)}")
    if form.get("answer") != "allow":
        return _refused(visit, _denial(asked))
    return _allow(visit, visit.person, asked, form)


def _allow(visit: Visit, person: User, asked: AuthorizationRequest, form: Form) -> Response:
    def work(change: Change) -> Response:
        organisation = chosen_organisation(organisations_of(change.connection, person.id), form)
        code = issue_code(
            change.connection,
            asked,
            user_id=person.id,
            organisation_id=organisation.id,
            now=change.now,
        )
        change.audit(asked.client.client_id, actor=person.id, organisation_id=organisation.id)
        return redirect(
            answer_url(asked.redirect_uri, issuer=visit.origin, state=asked.state, code=code)
        )

    return visit.call.change(work)


def chosen_organisation(
    organisations: tuple[UserOrganisation, ...], form: Form
) -> UserOrganisation:
    """Return the organisation that somebody has chosen, or belongs to alone.

    Raises:
        PermissionDeniedError: When it is none of theirs.
    """
    wanted = form.get("organisation")
    if wanted is None and len(organisations) == 1:
        return organisations[0]
    for each in organisations:
        if each.id == wanted:
            return each
    raise PermissionDeniedError(
        "You do not belong to that organisation.", hint="Go back, and choose another one."
    )


def unanswerable(visit: Visit, reason: Unanswerable) -> Response:
    """Tell the person what is wrong with a login that must not be answered."""
    return visit.page("message", status=400, heading=reason.message, text=reason.hint)


def nowhere(visit: Visit) -> Response:
    """Tell somebody who belongs to no organisation that no program can work for them."""
    return visit.page(
        "message",
        status=403,
        heading="You belong to no organisation here",
        text="Ask an owner to invite you. Then start the login again.",
    )


def _read(form: Form) -> AuthorizationRequest | Refusal | Unanswerable:
    return read_authorization_request(form, known_scopes=KNOWN_SCOPES)


def _denial(asked: AuthorizationRequest) -> Refusal:
    return Refusal(
        redirect_uri=asked.redirect_uri,
        state=asked.state,
        error="access_denied",
        description="The login was denied.",
    )


def _refused(visit: Visit, refusal: Refusal) -> Response:
    return redirect(
        answer_url(
            refusal.redirect_uri,
            issuer=visit.origin,
            state=refusal.state,
            error=refusal.error,
            error_description=refusal.description,
        )
    )


def _form_target(redirect_uri: str) -> str:
    # Browsers hold the redirect after a form to the policy of its page, and that can name no
    # IPv6 address. What is posted goes to this server in any case, as the form says.
    parts = urlsplit(redirect_uri)
    return "http:" if parts.netloc.startswith("[") else f"http://{parts.netloc}"
