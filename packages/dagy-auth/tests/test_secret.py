from __future__ import annotations

import pickle

import pytest

from dagy_auth import Secret


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__, ascii])
def test_no_way_of_showing_it_shows_it(show: object) -> None:
    assert callable(show)
    assert show(Secret("open sesame")) == "Secret(***)"


def test_it_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("open sesame"))


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_bytes_of_the_environment_that_are_no_text_can_be_compared() -> None:
    assert Secret("\udcff") == Secret("\udcff")
    assert Secret("\udcff") != Secret("x")
