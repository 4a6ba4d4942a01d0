"""Profiles and settings as views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagy_cli.config_keys import KEYS
from dagy_cli.profiles import ConfigFile, Profile
from dagy_cli.render.view import Cell, Column, Lines, Table, View
from dagy_cli.settings_report import EffectiveSetting


def profiles_view(file: ConfigFile) -> View:
    """Return a row for each profile; documents have all that the file says of the known keys."""
    rows = [
        (
            Cell(name),
            Cell("yes" if name == file.default_profile else "-"),
            Cell(profile.api_url or "-"),
            Cell("yes" if profile.is_protected else "-"),
            Cell(profile.last_updated or "-"),
        )
        for name, profile in sorted(file.profiles.items())
    ]
    titles = ("NAME", "DEFAULT", "API_URL", "PROTECTED", "LAST_UPDATED")
    return View(
        documents=[
            {"name": name, "default": name == file.default_profile, **_document(profile)}
            for name, profile in sorted(file.profiles.items())
        ],
        is_list=True,
        blocks=[Table(tuple(Column(each, is_flexible=each == "API_URL") for each in titles), rows)],
        name_field="name",
    )


def value_view(key: str, value: str | bool | None, *, profile: str | None) -> View:
    """Return one value; for people, and for pipes, it stands alone."""
    return View(
        documents=[{"key": key, "value": value, "profile": profile}],
        is_list=False,
        blocks=[Lines([[Cell(shown(value))]])],
    )


def settings_view(settings: Sequence[EffectiveSetting]) -> View:
    """Return a row for each setting in force."""
    rows = [(Cell(each.name), Cell(each.value or "-"), Cell(each.source)) for each in settings]
    columns = (Column("SETTING"), Column("VALUE", is_flexible=True), Column("SOURCE", True))
    return View(
        documents=[
            {"name": each.name, "value": each.value, "source": each.source} for each in settings
        ],
        is_list=True,
        blocks=[Table(columns, rows)],
        name_field="name",
    )


def shown(value: str | bool | None) -> str:
    """Return a value as `dagy config set` takes it."""
    return str(value).lower() if isinstance(value, bool) else value or "-"


def _document(profile: Profile) -> dict[str, Any]:
    values = {key: value_in(profile, key) for key in KEYS}
    return {**values, "last_updated": profile.last_updated}


def value_in(profile: Profile, key: str) -> str | bool | None:
    """Return what the file says of a profile's key; ``None`` when it does not say."""
    return profile.is_protected if key == "protected" else getattr(profile, key)
