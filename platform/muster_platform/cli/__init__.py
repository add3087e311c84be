"""The platform's commands, added to the `muster` command line."""

import typer


def register(app: typer.Typer) -> None:
    """Add the platform's commands to the application."""
    from muster_client.cli import merge
    from muster_platform.cli import audit, elastic, kafka, mosquitto, parts, system

    for module in (parts, system, audit, mosquitto, elastic, kafka):
        module.register(app)
    merge(app)
