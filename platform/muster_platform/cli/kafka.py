"""`muster kafka`: the topics."""

import typer

from muster_platform.cli.common import State, settings

kafka = typer.Typer(help="Kafka's topics.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(kafka, name="kafka")


@kafka.command("setup")
def setup(state: State = None) -> None:
    """Make the topics that are missing, with partitions and replication as configured."""
    from muster_platform.stream.kafka.setup import set_up

    set_up(settings(state), typer.echo)
