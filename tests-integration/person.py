"""Somebody with a browser at the pages of a Dagy server."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from browser import Browser, Form, Forms, Page

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"


class Person(Browser):
    """Fills in the forms of a server, and sends them as browsers do: with where they come from."""

    def __init__(self, server: str) -> None:
        super().__init__()
        self._server = server
        self._opener.addheaders = [("Origin", server)]

    def set_up(self, code: str) -> None:
        """Become the first owner of the server."""
        page = self.submit(
            self.open(f"{self._server}/setup"),
            code=code,
            organisation="Acme",
            name="Ada",
            email=EMAIL,
            password=PASSWORD,
        )
        assert f"Signed in as {EMAIL}." in page.text

    def sign_in(self, page: Page, *, email: str, password: str) -> Page:
        """Fill in the sign-in page, and return what comes after it."""
        assert "<h1>Sign in</h1>" in page.text
        page = self.submit(page, email=email, password=password)
        assert f"Signed in as {email}." in page.text
        return page

    def allow(self, page: Page) -> Page:
        """Agree to what a page asks."""
        form = _main_form(page)
        return self.open(urljoin(page.url, form.action), form.values | {"answer": "allow"})

    def let_in(self, page: Page) -> None:
        """Agree to a login, and be sent back to the program on this machine that asked for it."""
        page = self.allow(page)
        assert urlsplit(page.url).path == "/callback"
        assert urlsplit(page.url).netloc != urlsplit(self._server).netloc
        assert page.status == 200


def _main_form(page: Page) -> Form:
    forms = Forms()
    forms.feed(page.text.partition("<main")[2].partition("</main>")[0])
    (form,) = forms.found
    return form
