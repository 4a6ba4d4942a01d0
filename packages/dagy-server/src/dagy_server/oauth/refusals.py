"""What a program is told that gets no token (RFC 6749 §5.2)."""

from __future__ import annotations

from starlette.responses import Response

from dagy_server.transactions import json_response


class OAuthRefusal(Exception):  # noqa: N818 - it never leaves this package
    """A request that gets nothing.

    Args:
        error: The name that the RFCs give it.
        description: For whoever writes the program.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error = error
        self.description = description

    def response(self) -> Response:
        """Return the answer that says so."""
        document = {"error": self.error, "error_description": self.description}
        return json_response(document, 401 if self.error == "invalid_client" else 400)
