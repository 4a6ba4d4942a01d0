"""API keys as views; the secret of one is only in that of a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagy_cli.render.cells import time_cell
from dagy_cli.render.view import Cell, Column, Lines, Table, View
from dagy_types import api_document

if TYPE_CHECKING:
    from dagy_types import ApiKey, NewApiKey


def new_key_view(key: NewApiKey) -> View:
    """Return a new key: for people, and for pipes, the key alone."""
    return View(documents=[api_document(key)], is_list=False, blocks=[Lines([[Cell(key.key)]])])


def keys_view(keys: Sequence[ApiKey]) -> View:
    """Return a row for each key."""
    titles = ("KEY_ID", "NAME", "BEGINS WITH", "SCOPES", "CREATED", "LAST USED")
    rows = [
        (
            Cell(key.key_id),
            Cell(key.name),
            Cell(key.key_prefix),
            Cell(" ".join(key.scopes) or "-"),
            time_cell(key.created_at),
            time_cell(key.last_used_at),
        )
        for key in keys
    ]
    columns = tuple(Column(title, is_flexible=title in ("NAME", "SCOPES")) for title in titles)
    return View(
        documents=[api_document(key) for key in keys],
        is_list=True,
        blocks=[Table(columns, rows)],
        name_field="key_id",
    )


def revoked_view(key_id: str) -> View:
    """Return what has become of a key."""
    return View(
        documents=[{"key_id": key_id, "revoked": True}],
        is_list=False,
        blocks=[Lines([[Cell(f"Revoked: {key_id}")]])],
    )
