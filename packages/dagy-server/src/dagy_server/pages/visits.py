"""One request of a browser: who is signed in with it, and what its forms must carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from dagy_server.accounts.users import User
from dagy_server.oauth.forms import Form, read_form
from dagy_server.oauth.lifetimes import SESSION
from dagy_server.oauth.origin import request_origin
from dagy_server.pages.form_tokens import form_token, is_own_form
from dagy_server.pages.rendering import render
from dagy_server.pages.sessions import find_person, new_browser_secret
from dagy_server.transactions import Call
from dagy_types.errors import PermissionDeniedError

_NAME = "dagy_session"


class StaleFormError(PermissionDeniedError):
    """A form that was not filled in here, or not by whoever is signed in now."""

    code = "stale_form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request of a browser.

    Attributes:
        origin: How it reaches this server.
        secret: What its cookie says, or will say.
        is_new: Whether it has no such cookie yet.
        person: Who is signed in with it.
    """

    call: Call
    origin: str
    secret: str = field(repr=False)
    is_new: bool
    person: User | None

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        form_targets: tuple[str, ...] = (),
        **values: object,
    ) -> HTMLResponse:
        """Return a page whose forms are of this browser."""
        shared = {
            "csrf": form_token(self.secret),
            "host": urlsplit(self.origin).netloc,
            "origin": self.origin,
            "person": self.person,
        }
        answer = render(template, status=status, form_targets=form_targets, **(shared | values))
        if self.is_new:
            set_cookie(answer, self.secret, origin=self.origin)
        return answer

    def form(self) -> Form:
        """Return what the browser has sent.

        Raises:
            StaleFormError: When it did not come from a page for this browser.
            UsageError: When it cannot be read.
        """
        form = read_form(self.call.body)
        if self.is_new or not is_own_form(
            form.get("csrf", ""),
            browser_secret=self.secret,
            origin=self.origin,
            sent_from=self.call.request.headers.get("origin"),
        ):
            raise StaleFormError(
                "This form is out of date, or comes from elsewhere.",
                hint="Go back, load the page again, and fill it in once more.",
            )
        return form


def visit_of(call: Call) -> Visit:
    """Return the visit that a call is."""
    origin = request_origin(call.request, call.services.settings)
    secret = call.request.cookies.get(_cookie_name(origin), "")
    person = None
    if secret:
        with call.view() as view:
            person = find_person(view.connection, secret, now=view.now)
    return Visit(
        call=call,
        origin=origin,
        secret=secret or new_browser_secret(),
        is_new=not secret,
        person=person,
    )


def redirect(path: str) -> Response:
    """Send a browser on, to be asked for with GET."""
    return RedirectResponse(path, status_code=303)


def set_cookie(answer: Response, secret: str, *, origin: str) -> None:
    """Let a browser remember a secret, where no script and no other site can use it."""
    answer.set_cookie(
        _cookie_name(origin),
        secret,
        max_age=SESSION,
        path="/",
        secure=_is_secure(origin),
        httponly=True,
        samesite="lax",
    )


def delete_cookie(answer: Response, *, origin: str) -> None:
    """Let a browser forget its secret."""
    answer.delete_cookie(
        _cookie_name(origin),
        path="/",
        secure=_is_secure(origin),
        httponly=True,
        samesite="lax",
    )


def _cookie_name(origin: str) -> str:
    # A browser takes the longer name only from this very host, over https (RFC 6265bis §4.1.3.2).
    return f"__Host-{_NAME}" if _is_secure(origin) else _NAME


def _is_secure(origin: str) -> bool:
    return origin.startswith("https://")
