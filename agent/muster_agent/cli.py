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


def add_plugins(app: typer.Typer, words: Sequence[str] = ()) -> list[str]:
    """Let broker, client and platform register their commands.

    Args:
        words: of the command line: what is not needed for the command that they name is not
            loaded, for the platform takes as long to load as most commands take to run.

    Returns:
        One line for each that could not: the rest works without it.
    """
    problems = []
    for point in sorted(
        entry_points(group=PLUGIN_GROUP), key=lambda p: (p.name != "client", p.name)
    ):
        if _has(app, words):
            break
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


def _has(app: typer.Typer, words: Sequence[str]) -> bool:
    """Say whether the command that stands first in the words is there already."""
    names = [word for word in words if not word.startswith("-")]
    if any(command.name == names[0] for command in app.registered_commands if names):
        return True
    return len(names) > 1 and any(
        command.name == names[1]
        for group in app.registered_groups
        if group.name == names[0] and group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    )


def _without_server(words: Sequence[str]) -> list[str]:
    """Leave out `--server` and its value, where they stand before the command."""
    rest = list(words)
    while rest and rest[0].partition("=")[0] == "--server":
        del rest[: 1 if "=" in rest[0] else 2]
    return rest


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
        meant = _without_server(words)
        if not OWN_COMMANDS & set(meant[:1]):
            for problem in add_plugins(app, meant):
                typer.echo(f"muster: {problem}", err=True)
        app(args=words, prog_name="muster")
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("MUSTER_DEBUG"):
            traceback.print_exc()
        text, code = explain(error)
        typer.echo(f"muster: {text}", err=True)
        sys.exit(code)
