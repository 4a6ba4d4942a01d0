"""The routes of the pages."""

from __future__ import annotations

from dagy_server.pages import account_pages, consent_pages, device_pages, new_account_pages
from dagy_server.routing import Router

router = Router(
    "pages",
    [
        *account_pages.router.declarations,
        *new_account_pages.router.declarations,
        *consent_pages.router.declarations,
        *device_pages.router.declarations,
    ],
)
