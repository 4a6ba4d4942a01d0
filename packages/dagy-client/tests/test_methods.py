from __future__ import annotations

from dagy_client._methods import many_values, one_value
from dagy_client._resources.runs import Runs


def test_on_the_class_a_method_is_its_declaration() -> None:
    assert isinstance(Runs.get, one_value)
    assert isinstance(Runs.list, many_values)
    assert (Runs.get.__doc__ or "").startswith("Return one run.")
