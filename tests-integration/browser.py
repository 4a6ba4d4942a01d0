"""A browser without a window, for pages that need no more than links, forms and cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener


@dataclass
class Form:
    """A form of a page: where it goes, and what it sends when it is left as it is."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(attributes.get("action", "")))
        elif tag == "input" and self.found:
            self.found[-1].values[attributes["name"]] = attributes.get("value", "")


@dataclass(frozen=True)
class Page:
    """What a browser shows."""

    url: str
    status: int
    text: str


class Browser:
    """A browser, and a person who logs in at the provider with it."""

    def __init__(self) -> None:
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))

    def open(self, url: str, values: dict[str, str] | None = None) -> Page:
        body = None if values is None else urlencode(values).encode()
        request = Request(url, data=body, headers={"Accept": "text/html"})
        try:
            answer = self._opener.open(request, timeout=30)
        except HTTPError as error:
            answer = error
        with answer:
            return Page(answer.url, answer.status, answer.read().decode())

    def submit(self, page: Page, **values: str) -> Page:
        """Fill in the only form of a page, and send it."""
        forms = Forms()
        forms.feed(page.text)
        (form,) = forms.found
        return self.open(urljoin(page.url, form.action), form.values | values)

    def log_in(self, page: Page, *, answer: str = "yes") -> Page:
        """Say who one is and whether the tool may; return where that leads to."""
        page = self.submit(page, login="somebody")
        return self.submit(page, answer=answer)
