"""`muster simulate`: a rehearsal fleet in one process."""

import typer


def register(app: typer.Typer) -> None:
    """Add the `simulate` command to the application."""
