from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from dagy_cli.parser import COMMANDS, CommandParser, TextRequest, build_parser
from dagy_types.errors import UsageError


def _branches(parser: CommandParser) -> dict[str, CommandParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _tree(parser: CommandParser, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, branch in _branches(parser).items():
        yield from _tree(branch, (*words, name))


ALL_COMMANDS = list(_tree(build_parser()))


def test_the_tree_has_every_registered_command() -> None:
    assert {words[0] for words in ALL_COMMANDS if words} == set(COMMANDS)
    assert ("runs", "list") in ALL_COMMANDS


@pytest.mark.parametrize("words", ALL_COMMANDS)
def test_each_command_explains_itself_with_examples(words: tuple[str, ...]) -> None:
    with pytest.raises(TextRequest) as request:
        build_parser().parse_args([*words, "--help"])
    lines = request.value.text.splitlines()
    examples = lines[lines.index("Examples:") + 1 :]
    assert examples
    assert all(line.startswith("  dagy ") for line in examples)
    assert "--color" not in lines[0]


@pytest.mark.parametrize("words", [(), ("runs",), ("flows",), ("deployments",), ("api-keys",)])
def test_a_noun_alone_shows_its_help(words: tuple[str, ...]) -> None:
    with pytest.raises(TextRequest, match=f"usage: {' '.join(['dagy', *words])} COMMAND"):
        build_parser().parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        ["--verbose", "--color", "never", "runs", "list"],
        ["runs", "--verbose", "list", "--color", "never"],
        ["runs", "list", "--color=never", "--verbose"],
    ],
)
def test_options_of_every_command_may_stand_anywhere(words: list[str]) -> None:
    args = build_parser().parse_args(words)
    assert (args.verbose, args.color) == (True, "never")


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["rnus"], "Unknown command: 'rnus'.", "Did you mean: dagy runs"),
        (["runs", "lits"], "Unknown command: 'lits'.", "Did you mean: dagy runs list"),
        (["quux"], "Unknown command: 'quux'.", "Run: dagy --help"),
        (
            ["runs", "list", "--limt", "3"],
            "Unrecognized arguments: --limt 3.",
            "Run: dagy runs list --help",
        ),
        (["--lim", "runs", "list"], "Unrecognized arguments: --lim.", "Run: dagy --help"),
        (
            ["runs", "list", "--format", "xml"],
            "Unknown --format: 'xml'.",
            "Use one of: table, json, jsonl, yaml, csv, name.",
        ),
        (
            ["runs", "show"],
            "The following arguments are required: RUN.",
            "Run: dagy runs show --help",
        ),
        (["runs", "list", "--verb"], "Unrecognized arguments: --verb.", "Run: dagy runs list"),
    ],
)
def test_wrong_arguments_say_what_is_right(words: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        build_parser().parse_args(words)
    assert error.value.message == message
    assert (error.value.hint or "").startswith(hint)


def _options(parser: CommandParser) -> Iterator[argparse.Action]:
    for branch in _branches(parser).values():
        yield from _options(branch)
    yield from parser._actions


def test_no_option_takes_a_secret_as_its_value() -> None:
    """AUTH-05: what is in the arguments of a process, others can read."""
    words = {"token", "secret", "password", "passphrase", "credential", "key"}
    options = {text: each for each in _options(build_parser()) for text in each.option_strings}
    assert {"--with-token", "--profile"} <= options.keys()
    del options["--allow-secret"]  # its value is the name of a file
    del options["--idempotency-key"]  # it opens nothing
    for text, action in options.items():
        if words & set(text.strip("-").split("-")):
            assert action.nargs == 0, text
