"""Secrets stay out of logs: out of ours, and out of those of the libraries below."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

HIDDEN = "[hidden]"
# These write headers into their messages at the level DEBUG.
FOREIGN_LOGGERS = (
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "hpack.hpack",
    "hpack.table",
)

_SECRET_NAME = re.compile("auth|token|secret|key|cookie|signature|password|location", re.IGNORECASE)
_BYTES = r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\""""
_HEADER = re.compile(rf"\(({_BYTES}), ({_BYTES})")


def redacted_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the values hidden that are secrets by their name."""
    return {name: HIDDEN if _SECRET_NAME.search(name) else value for name, value in headers.items()}


class HeaderFilter(logging.Filter):
    """Hides the values of secret headers in messages that show headers as pairs of bytes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, after what it must not say has been taken out."""
        message = record.getMessage()
        if "(b" in message:
            record.msg, record.args = _HEADER.sub(_hidden, message), None
        return True


def hide_secrets_of_others() -> None:
    """Hide secret headers in the logs of the libraries that carry our requests."""
    for name in FOREIGN_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, HeaderFilter) for each in logger.filters):
            logger.addFilter(HeaderFilter())


def _hidden(pair: re.Match[str]) -> str:
    return f"({pair[1]}, {HIDDEN}" if _SECRET_NAME.search(pair[1]) else pair[0]
