"""Secrets in the content of files: the forms that well-known ones have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that looks like a secret; not the secret itself.

    Attributes:
        kind: What it seems to be.
        line: Where it stands, counted from 1.
    """

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind looks; a content without any of the ``marks`` has none of it."""

    kind: str
    marks: tuple[bytes, ...]
    expression: re.Pattern[bytes]


def _form(kind: str, marks: str, expression: str) -> _Form:
    return _Form(
        kind, tuple(mark.encode() for mark in marks.split()), re.compile(expression.encode())
    )


_TOKEN_END = r"(?![A-Za-z0-9_])"  # noqa: S105 - a part of an expression
_FORMS = (
    _form("a private key", "PRIVATE", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    _form("a key file of PuTTY", "PuTTY-User-Key-File", r"PuTTY-User-Key-File-\d+:"),
    _form(
        "an AWS access key id",
        "AKIA ASIA",
        rf"(?<![A-Za-z0-9])(?:AKIA|ASIA)(?![A-Z0-9]{{9}}EXAMPLE)[A-Z0-9]{{16}}{_TOKEN_END}",
    ),
    _form(
        "an AWS secret access key",
        "secret_access_key SECRET_ACCESS_KEY SecretAccessKey",
        r"(?i:secret_?access_?key)['\"]?\s{0,8}[:=]\s{0,8}['\"]?"
        r"(?![A-Za-z0-9/+]{30}EXAMPLEKEY)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    ),
    _form("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{36}"),
    _form("a GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{36}"),
    _form("a GitLab token", "glpat-", r"glpat-[A-Za-z0-9_-]{20}"),
    _form("a Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{20}"),
    _form(
        "a Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16}"
    ),
    _form("a Stripe key", "sk_live_ rk_live_", r"[rs]k_live_[A-Za-z0-9]{16}"),
    _form("a Google API key", "AIza", rf"AIza[A-Za-z0-9_-]{{35}}{_TOKEN_END}"),
    _form("a Google OAuth secret", "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20}"),
    _form("an Anthropic key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{24}"),
    _form(
        "an OpenAI key", "sk-proj- T3BlbkFJ", r"sk-(?:proj-[A-Za-z0-9_-]{32}|\w{20}T3BlbkFJ\w{20})"
    ),
    _form("a SendGrid key", "SG.", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _form("an npm token", "npm_", rf"npm_[A-Za-z0-9]{{36}}{_TOKEN_END}"),
    _form("a PyPI token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{50}"),
    _form("a Hugging Face token", "hf_", rf"(?<!\w)hf_[A-Za-z0-9]{{34}}{_TOKEN_END}"),
    _form("an Azure storage key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _form("a Databricks token", "dapi", rf"(?<![A-Za-z0-9])dapi[0-9a-f]{{32}}{_TOKEN_END}"),
    _form(
        "a Dagy token",
        "dagy_sk_ dagy_at_ dagy_rt_",
        r"dagy_(?:sk|at|rt)_[A-Za-z0-9_-]{20}",
    ),
    _form(
        "a JSON web token",
        "eyJ",
        r"eyJ[A-Za-z0-9_-]{16,2000}\.eyJ[A-Za-z0-9_-]{16,4000}\.[A-Za-z0-9_-]{32}",
    ),
    # Not the placeholders that examples have: user:password@, user:${PASSWORD}@, user:***@.
    _form(
        "a URL with a password",
        "://",
        r"[a-z+]{3,20}://[^\s:/@'\"<>{}$]{1,100}:"
        r"(?!(?i:password|passwd|pass|pwd|secret|changeme|example|postgres|user|test|x+|\.+)@)"
        r"[^\s:/@'\"<>{}$*%]{3,200}@",
    ),
)

# The longest of these forms is found even where two pieces of a file meet.
_OVERLAP = 8192


class SecretSearch:
    """Looks for the first secret in a content that comes in pieces.

    Attributes:
        found: What was found; ``None`` as long as nothing was.
    """

    def __init__(self) -> None:
        self.found: Secret | None = None
        self._tail = b""
        self._line = 1  # of the first byte of the tail

    def feed(self, piece: bytes) -> None:
        """Look into the next piece."""
        if self.found is not None:
            return
        window = self._tail + piece
        hits = [(hit.start(), kind) for kind, hit in _hits(window)]
        if hits:
            start, kind = min(hits)
            self.found = Secret(kind, self._line + window.count(b"\n", 0, start))
            return
        cut = max(0, len(window) - _OVERLAP)
        self._line += window.count(b"\n", 0, cut)
        self._tail = window[cut:]


def _hits(window: bytes) -> Iterable[tuple[str, re.Match[bytes]]]:
    for form in _FORMS:
        # Looking for the marks is a hundred times as fast.
        if any(mark in window for mark in form.marks):
            hit = form.expression.search(window)
            if hit is not None:
                yield form.kind, hit
