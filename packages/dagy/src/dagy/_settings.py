"""What the environment says about local runs."""

from __future__ import annotations

from collections.abc import Mapping

from dagy_types.errors import ConfigError

_TRUE = frozenset({"true", "1", "yes", "on"})
_DEFAULT_MAX_OUTPUT_BYTES = 5_242_880


def is_verbose(environ: Mapping[str, str]) -> bool:
    """Tell whether ``DAGY_LOCAL_VERBOSE`` is set to ``true``, ``1``, ``yes`` or ``on``."""
    return environ.get("DAGY_LOCAL_VERBOSE", "").strip().lower() in _TRUE


def max_output_bytes(environ: Mapping[str, str]) -> int:
    """Return ``DAGY_LOCAL_ARTIFACT_MAX_BYTES``, 5 242 880 unless set.

    Raises:
        ConfigError: When it is no whole number from 1.
    """
    text = environ.get("DAGY_LOCAL_ARTIFACT_MAX_BYTES", "").strip()
    if not text:
        return _DEFAULT_MAX_OUTPUT_BYTES
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise ConfigError(
        f"DAGY_LOCAL_ARTIFACT_MAX_BYTES must be a whole number from 1; got {text!r}.",
        hint="Set it to the largest output in bytes that a task may return, or unset it.",
    )
