"""Every route that anybody may use, by its exact path; all others need a login."""

from __future__ import annotations

PUBLIC_ROUTES: frozenset[tuple[str, str]] = frozenset(
    {
        ("GET", "/health"),
        ("GET", "/ready"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("POST", "/auth/login"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("POST", "/oauth/token"),
        ("POST", "/oauth/device_authorization"),
        ("POST", "/oauth/revoke"),
        # Pages: who is signed in is in their cookie, and each of them looks.
        ("GET", "/"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("POST", "/sign-out"),
        ("GET", "/setup"),
        ("POST", "/setup"),
        ("GET", "/invitation"),
        ("POST", "/invitation"),
        ("GET", "/oauth/authorize"),
        ("POST", "/oauth/authorize"),
        ("GET", "/device"),
        ("POST", "/device"),
    }
)
"""Method and path. A route that is public and not here, or here and not public, fails start-up."""
