"""Where in a command line the next word is: what could stand there, by the tree of commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dagy_cli.parser import CommandParser


class Candidate(NamedTuple):
    """A word that could stand here."""

    word: str
    description: str = ""


class Position(NamedTuple):
    """What could stand at the end of a command line.

    Attributes:
        typed: What there is of the word already.
        parser: Of the command.
        before: What each candidate begins with, as ``--format=``.
        candidates: Words that are known from the tree alone.
        value_of: What the value is called for which the tree has no words, as ``RUN``.
    """

    typed: str
    parser: CommandParser
    before: str = ""
    candidates: Sequence[Candidate] = ()
    value_of: str | None = None


def position_of(words: Sequence[str], parser: CommandParser) -> Position:
    """Return the position of the last of these words, which is not finished."""
    *done, typed = _without_equals(words) or [""]
    waiting: argparse.Action | None = None
    given = 0
    for word in done:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            waiting = _that_takes_value(parser, word)
        elif (branches := _branches(parser)) is not None and word in branches:
            parser, given = branches[word], 0
        else:
            given += 1
    if waiting is not None:
        return _value(waiting, typed, parser)
    if typed.startswith("--") and "=" in typed:
        option, _, begun = typed.partition("=")
        action = _that_takes_value(parser, option)
        if action is not None:
            return _value(action, begun, parser, before=f"{option}=")
    if typed.startswith("-"):
        return Position(typed=typed, candidates=list(_options(parser)), parser=parser)
    return _argument(parser, given, typed)


def _without_equals(words: Sequence[str]) -> list[str]:
    # To bash, the equals sign of --format=json is a word of its own.
    kept = [word for word in words if word != "="]
    return [*kept, ""] if words and words[-1] == "=" else kept


def _that_takes_value(parser: CommandParser, word: str) -> argparse.Action | None:
    for action in parser._actions:
        if word in action.option_strings and action.nargs != 0:
            return action
    return None


def _branches(parser: CommandParser) -> dict[str, CommandParser] | None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return None


def _options(parser: CommandParser) -> Iterator[Candidate]:
    for action in parser._actions:
        for option in action.option_strings:
            if option.startswith("--"):
                yield Candidate(option, action.help or "")


def _argument(parser: CommandParser, given: int, typed: str) -> Position:
    positionals = [each for each in parser._actions if not each.option_strings]
    if not positionals:
        return Position(typed=typed, parser=parser)
    if len(positionals) <= given and positionals[-1].nargs not in ("*", "+"):
        return Position(typed=typed, parser=parser)
    action = positionals[min(given, len(positionals) - 1)]
    if isinstance(action, argparse._SubParsersAction):
        commands = [Candidate(each.dest, each.help or "") for each in action._choices_actions]
        return Position(typed=typed, candidates=commands, parser=parser)
    return _value(action, typed, parser)


def _value(
    action: argparse.Action, typed: str, parser: CommandParser, *, before: str = ""
) -> Position:
    name = action.metavar if isinstance(action.metavar, str) else None
    if "--profile" in action.option_strings:
        name = "PROFILE"
    return Position(
        typed=typed,
        before=before,
        candidates=[Candidate(str(each)) for each in action.choices or ()],
        value_of=None if action.choices else name,
        parser=parser,
    )
