"""The profiles by question and answer, for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

from dagy_cli.app import App
from dagy_cli.config_edit import editing
from dagy_cli.config_file import read_config_file
from dagy_cli.config_keys import KEYS, value_of
from dagy_cli.config_views import shown, value_in
from dagy_cli.profiles import ConfigFile, Profile
from dagy_cli.terminal_input import confirm
from dagy_store import local_directory
from dagy_types.errors import UsageError

T = TypeVar("T")

_TRIES = 3
_ASKED_OF_NEW_ONES = ("api_url", "app_url", "table_format")
_NOTHING = "-"


def run_wizard(app: App) -> None:
    """Show the profiles and ask what to change, until nothing more is, or nobody answers.

    Raises:
        UsageError: When a question is answered wrongly three times.
        ConfigError: When the file cannot be used.
    """
    wizard = _Wizard(app)
    try:
        while wizard.step():
            pass
    except EOFError:  # Ctrl-D
        app.console.alert("\nNothing more is changed.")


class _Wizard:
    def __init__(self, app: App) -> None:
        self._console = app.console
        self._directory = local_directory(app.environ)
        self._choices: Mapping[str, Callable[[ConfigFile], None]] = {
            "c": self._create,
            "e": self._edit,
            "d": self._delete,
            "m": self._choose,
        }

    def step(self) -> bool:
        """Change one thing; return whether there may be more."""
        file = read_config_file(self._directory)
        self._show(file)
        actions = "cedm" if file.profiles else "c"
        names = {"c": "c create", "e": "e edit", "d": "d delete", "m": "m make default"}
        question = ", ".join([*(names[each] for each in actions), "q quit"])
        chosen = self._answer(f"{question}: ", lambda text: _one_of(text, f"{actions}q"))
        if chosen == "q":
            return False
        self._choices[chosen](file)
        return True

    def _show(self, file: ConfigFile) -> None:
        if not file.profiles:
            self._console.alert(f"There are no profiles in {file.path} yet.")
            return
        self._console.alert(f"Profiles in {file.path}:")
        width = max(map(len, file.profiles))
        for name, profile in sorted(file.profiles.items()):
            mark = "  (default)" if name == file.default_profile else ""
            self._console.alert(f"  {name:<{width}}  {profile.api_url or _NOTHING}{mark}")

    def _create(self, file: ConfigFile) -> None:
        name = self._answer("Name of the new profile: ", lambda text: _new_name(text, file))
        changes = self._asked(Profile(), _ASKED_OF_NEW_ONES, needs={"api_url"})
        with editing(self._directory) as editor:
            for key, value in changes.items():
                if value is not None:
                    editor.set(name, key, value)
            if not file.profiles:
                editor.choose(name)
        self._console.alert(f"Created: {name}. Next: dagy login --profile {name}")

    def _edit(self, file: ConfigFile) -> None:
        name = self._profile(file, "Profile to edit: ")
        self._console.alert(f"Enter keeps a value, {_NOTHING} removes it.")
        changes = self._asked(file.profiles[name], tuple(KEYS), needs=set())
        with editing(self._directory) as editor:
            for key, value in changes.items():
                if value is None:
                    editor.unset(name, key)
                else:
                    editor.set(name, key, value)
        self._console.alert(f"Changed: {', '.join(changes) or 'nothing'}")

    def _delete(self, file: ConfigFile) -> None:
        name = self._profile(file, "Profile to delete: ")
        if confirm(f"Delete {name}?", self._console):
            with editing(self._directory) as editor:
                editor.delete(name)
            self._console.alert(f"Deleted: {name}")

    def _choose(self, file: ConfigFile) -> None:
        name = self._profile(file, "Default profile: ")
        with editing(self._directory) as editor:
            editor.choose(name)

    def _profile(self, file: ConfigFile, question: str) -> str:
        return self._answer(question, lambda text: _one_of(text, sorted(file.profiles)))

    def _asked(
        self, profile: Profile, keys: tuple[str, ...], *, needs: set[str]
    ) -> dict[str, str | bool | None]:
        """Return what is to change; ``None`` for what is to be removed."""
        changes: dict[str, str | bool | None] = {}
        for key in keys:
            before = value_in(profile, key)
            value = self._answer(
                _question(key, before),
                lambda text, key=key, before=before: _value(text, key, before, key in needs),  # type: ignore[misc]
            )
            is_nothing_to_remove = value is None and not before
            if value != before and not is_nothing_to_remove:
                changes[key] = value
        return changes

    def _answer(self, question: str, read: Callable[[str], T]) -> T:
        for _ in range(_TRIES):
            self._console.write_error(question)
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            try:
                return read(line.strip())
            except UsageError as error:
                self._console.alert(f"{error.message} {error.hint}")
        raise UsageError(
            f"That was no answer, {_TRIES} times over.", hint="Run: dagy config set --help"
        )


def _question(key: str, before: str | bool | None) -> str:
    current = KEYS[key].default if before is None else shown(before)
    return f"{key} ({KEYS[key].meaning}){f' [{current}]' if current else ''}: "


def _value(text: str, key: str, before: str | bool | None, is_needed: bool) -> str | bool | None:
    if not text and not (is_needed and before is None):
        return before
    if text == _NOTHING and not is_needed:
        return None
    return value_of(key, text)


def _one_of(text: str, names: str | list[str]) -> str:
    if text and text in list(names):
        return text
    raise UsageError(f"{text!r} is none of them.", hint=f"Type one of: {', '.join(names)}.")


def _new_name(text: str, file: ConfigFile) -> str:
    if not text:
        raise UsageError("A profile needs a name.", hint="For example: prod.")
    if text in file.profiles:
        raise UsageError(f"There is a profile {text!r} already.", hint="Choose another name.")
    return text
