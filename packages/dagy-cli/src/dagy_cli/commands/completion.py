"""`dagy completion`: the script with which a shell completes the command."""

from __future__ import annotations

from argparse import Namespace

from dagy_cli.app import Answer, App
from dagy_cli.completion import SHELLS
from dagy_cli.parser import CommandParser
from dagy_cli.render.view import Verbatim


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy completion`."""
    parser.description = (
        "Print the script with which a shell completes commands, options, runs and profiles.\n"
        "To have it in every shell, add the line for yours:\n\n"
        "  bash  source <(dagy completion bash)     in ~/.bashrc\n"
        "  zsh   source <(dagy completion zsh)      in ~/.zshrc, after compinit\n"
        "  fish  dagy completion fish | source      in ~/.config/fish/config.fish"
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
    parser.add_examples(*(f"dagy completion {shell}" for shell in SHELLS))
    parser.set_defaults(handler=show_script, format="text")


def show_script(args: Namespace, app: App) -> Answer:  # noqa: ARG001 - every handler gets it
    """Return the script."""
    from importlib.resources import files

    script = files("dagy_cli.completion.scripts") / f"dagy.{args.shell}"
    return Answer(Verbatim(script.read_text(encoding="utf-8")))
