"""Commands about Mosquitto as the broker: `muster mosquitto write`."""

import typer

from muster_platform.cli.common import Json, State, settings, show

mosquitto_app = typer.Typer(no_args_is_help=True, help="Mosquitto as the broker of devices.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mosquitto_app.command("write")(write)
    app.add_typer(mosquitto_app, name="mosquitto")


@mosquitto_app.callback()
def _group() -> None:
    """Mosquitto as the broker of devices."""


def write(state: State = None, as_json: Json = False) -> None:
    """Write its configuration, access lists and accounts by the settings; devices' stay."""
    from muster_platform.stream.mosquitto import write_installation

    paths = write_installation(settings(state))
    show([{"file": str(path)} for path in paths], ("file",), as_json)
