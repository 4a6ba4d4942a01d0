from __future__ import annotations

import pytest

from dagy._settings import max_output_bytes
from dagy_types.errors import ConfigError


def test_the_size_limit_has_the_published_default() -> None:
    assert max_output_bytes({}) == 5_242_880
    assert max_output_bytes({"DAGY_LOCAL_ARTIFACT_MAX_BYTES": " 12 "}) == 12


@pytest.mark.parametrize("text", ["0", "-1", "5MB", "1.5"])
def test_a_size_limit_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"DAGY_LOCAL_ARTIFACT_MAX_BYTES must be .* got '"):
        max_output_bytes({"DAGY_LOCAL_ARTIFACT_MAX_BYTES": text})
