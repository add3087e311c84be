"""The `muster` command: the agent's own commands, and what broker, client and platform add."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import entry_points, version
from typing import Annotated

import typer

from muster_agent.errors import EXIT_CODES

PLUGIN_GROUP = "muster.commands"
SERVER_VARIABLE = "MUSTER_SERVER"
OWN_COMMANDS = frozenset({"agent", "simulate"})
"""Commands that a device needs; to run them nothing of broker or platform is imported."""

_HELP = "Manage fleets of mobile and IoT devices over MQTT."


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"muster {version('muster')}")
        raise typer.Exit


def _root(
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            envvar=SERVER_VARIABLE,
            help="Work against this server instead of the installation of this machine.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that stand before any command; the client reads the server back."""
    if server:
        os.environ[SERVER_VARIABLE] = server


def build_app() -> typer.Typer:
    """Build the application with the agent's own commands."""
    from muster_agent import commandline, simulator

    app = typer.Typer(
        name="muster", help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback()(_root)
    commandline.register(app)
    simulator.register(app)
    return app


def add_plugins(app: typer.Typer) -> list[str]:
    """Let broker, client and platform register their commands.

    Returns:
        One line for each that could not: the rest works without it.
    """
    problems = []
    for point in sorted(entry_points(group=PLUGIN_GROUP), key=lambda p: p.name):
        try:
            point.load()(app)
        except ImportError as error:
            hint = f"pip install 'muster[{point.name}]'"
            problems.append(f"commands of {point.name} are not available: {error} ({hint})")
        except Exception as error:
            problems.append(
                f"commands of {point.name} failed to load: {type(error).__name__}: {error}"
            )
    return problems


def _first_word(args: Sequence[str]) -> str:
    return next((arg for arg in args if not arg.startswith("-")), "")


def explain(error: BaseException) -> tuple[str, int]:
    """Give the one line and the exit code for an error that ended a command."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", EXIT_CODES["interrupted"]
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return " ".join(str(error).split()) or type(error).__name__, code
    text = " ".join(str(error).split())
    return (
        f"internal error: {type(error).__name__}: {text} (MUSTER_DEBUG=1 shows where)",
        EXIT_CODES["internal"],
    )


def main(args: Sequence[str] | None = None) -> None:
    """Run the `muster` command and exit; errors are one line on stderr, never a stack trace."""
    words = list(sys.argv[1:] if args is None else args)
    try:
        app = build_app()
        if _first_word(words) not in OWN_COMMANDS:
            for problem in add_plugins(app):
                typer.echo(f"muster: {problem}", err=True)
        app(args=words, prog_name="muster")
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("MUSTER_DEBUG"):
            traceback.print_exc()
        text, code = explain(error)
        typer.echo(f"muster: {text}", err=True)
        sys.exit(code)
