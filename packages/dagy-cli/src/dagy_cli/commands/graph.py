"""`dagy graph`: the graph of a flow, without running it."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module

from dagy_cli.app import Answer, App
from dagy_cli.parameters import add_flow_arguments, flow_with_parameters
from dagy_cli.parser import CommandParser
from dagy_cli.redirect import stdout_to_stderr
from dagy_cli.render import surface_of
from dagy_cli.render.view import Verbatim

FORMATS = ("text", "mermaid", "dot", "svg", "json")


def configure(parser: CommandParser) -> None:
    """Add the arguments of `dagy graph`."""
    parser.description = "Show the graph of a flow: its tasks and what each depends on. Runs none."
    add_flow_arguments(parser)
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="how to show the graph (text)"
    )
    parser.add_examples(
        "dagy graph etl.py",
        "dagy graph etl.py:daily --param day=2026-11-01 --format mermaid",
        "dagy graph etl.py:daily --format svg > daily.svg",
    )
    parser.set_defaults(handler=show_graph)


def show_graph(args: Namespace, app: App) -> Answer:
    """Return the graph that the flow has with these parameters."""
    with stdout_to_stderr():
        flow, parameters = flow_with_parameters(args)
        spec = flow.trace(parameters).spec
    module = import_module(f"dagy_cli.graphs.{args.format}")
    return Answer(Verbatim(module.draw(spec, surface_of(app.console, app.console.stdout))))
