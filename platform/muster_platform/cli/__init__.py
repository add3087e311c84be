"""The platform's commands, added to the `muster` command line."""

import typer


def register(app: typer.Typer) -> None:
    """Add the platform's commands to the application."""
    from muster_platform.cli import devices, fleet, parts, people, system, work

    for module in (parts, system, fleet, devices, work, people):
        module.register(app)
