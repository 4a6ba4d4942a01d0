"""How a page is made: a template, values that are never taken for HTML, and strict headers."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

_TEMPLATES = Path(__file__).parent / "templates"

_HEADERS = {
    "Cache-Control": "no-store",
    # With no-referrer, browsers would hide where a form comes from, even from this server.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def render(
    template: str, *, status: int = 200, form_targets: tuple[str, ...] = (), **values: object
) -> HTMLResponse:
    """Return a page.

    Args:
        template: Its name, without the ending.
        form_targets: Origins besides this one that a form of the page may lead to.
    """
    defaults: dict[str, object] = {"error": None, "person": None, "style": _style()}
    text = _environment().get_template(f"{template}.html").render(defaults | values)
    headers = _HEADERS | {"Content-Security-Policy": content_policy(form_targets)}
    return HTMLResponse(text, status_code=status, headers=headers)


def content_policy(form_targets: tuple[str, ...]) -> str:
    """Return what a page may load and where its forms may lead: its own style, and here."""
    digest = b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{digest}'",
            "img-src data:",
            " ".join(("form-action 'self'", *form_targets)),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


@cache
def _style() -> Markup:
    # The file of this package; nothing that anybody sends is in it.
    return Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
