from __future__ import annotations

import re

from dagy_server.ids import new_id, new_run_id


def test_ids_tell_their_kind_and_are_never_the_same() -> None:
    ids = {new_id("org") for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("org_[a-z0-9]{20}", each) for each in ids)


def test_ids_of_runs_have_the_form_of_local_ones() -> None:
    assert all(re.fullmatch("[a-z][a-z0-9]{11}", new_run_id()) for _ in range(100))
