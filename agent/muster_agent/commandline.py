"""`muster agent …`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the `agent` commands to the application."""
    group = typer.Typer(help="Be one device: enrol it, run it.", no_args_is_help=True)
    app.add_typer(group, name="agent")
