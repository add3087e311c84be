"""Commands about devices that work on this machine only."""

import typer

device_app = typer.Typer(no_args_is_help=True, help="The registry of devices.")
log_app = typer.Typer(no_args_is_help=True, help="What devices log.")


def register(app: typer.Typer) -> None:
    """Add the commands; those of the same name that the client has work against servers too."""
    app.add_typer(device_app, name="device")
    app.add_typer(log_app, name="log")
