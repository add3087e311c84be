"""Commands that are processes: up, web, live, run, worker, beat, flower."""

import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from muster_platform.cli.common import State, platform, set_up_logging, settings
from muster_platform.db import migrate


class RoleName(StrEnum):
    """Roles of `muster run`."""

    INGEST = "ingest"
    BRIDGE = "bridge"
    DISPATCH = "dispatch"
    INDEXER = "indexer"
    ACCOUNTS = "accounts"


class Origin(StrEnum):
    """Where ingest reads."""

    MQTT = "mqtt"
    KAFKA = "kafka"


class BrokerKind(StrEnum):
    """Brokers that `muster up` starts."""

    EMBEDDED = "embedded"
    MOSQUITTO = "mosquitto"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, web, live, run, worker, beat, flower):
        app.command()(command)


def up(
    state: State = None,
    demo: Annotated[bool, typer.Option("--demo", help="Start empty, with simulated devices.")] = (
        False
    ),
    devices: Annotated[int, typer.Option(min=1, max=5_000, help="Simulated devices.")] = 25,
    scenario: Annotated[Path | None, typer.Option(help="Scenario file of the simulator.")] = None,
    broker: Annotated[
        BrokerKind | None, typer.Option(help="Whose broker; else the setting broker_kind.")
    ] = None,
    with_flower: Annotated[
        bool, typer.Option("--with-flower", help="Flower too, behind the site's sign-in.")
    ] = False,
) -> None:
    """Run all parts on this machine, supervised, until Ctrl-C."""
    from muster_platform.up.prepare import with_flower_address
    from muster_platform.up.run import run_up

    chosen = settings(state, broker_kind=None if broker is None else str(broker))
    if with_flower:
        chosen = with_flower_address(chosen)
    run_up(chosen, demo=demo, devices=devices, scenario=scenario)


def web(state: State = None) -> None:
    """Serve the API and the admin site."""
    from muster_platform.web.serve import serve

    with platform(state) as opened:
        chosen = opened.settings
    set_up_logging(chosen)
    serve(chosen)


def live(state: State = None) -> None:
    """Serve live changes to browsers over WebSocket."""
    from muster_platform.live.serve import serve

    chosen = settings(state)
    set_up_logging(chosen)
    serve(chosen)


def run(
    roles: list[RoleName],
    state: State = None,
    origin: Annotated[
        Origin, typer.Option("--from", help="Where ingest reads: mqtt, or kafka.")
    ] = Origin.MQTT,
) -> None:
    """Run one or several stream roles in one process."""
    from muster_platform.stream.roles import run_roles

    names = [
        "kafka-ingest" if role is RoleName.INGEST and origin is Origin.KAFKA else str(role)
        for role in roles
    ]
    with platform(state) as opened:
        set_up_logging(opened.settings)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        run_roles(
            opened,
            names,
            stop,
            say=_Announcer(len(set(roles))),
            beats=True,
        )


class _Announcer:
    """Prints health lines, and `run: ready` when each role has said how it is and none failed."""

    def __init__(self, roles: int) -> None:
        self._roles = roles
        self._good: set[str] = set()

    def __call__(self, line: str) -> None:
        typer.echo(line)
        name, _, text = line.partition(": ")
        if not text.startswith(("failed", "starting")) and name not in self._good:
            self._good.add(name)
            if len(self._good) == self._roles:
                typer.echo("run: ready")


def worker(
    state: State = None,
    with_beat: Annotated[bool, typer.Option("--beat", help="Run the schedule too.")] = False,
) -> None:
    """Run Celery's worker: sweeps, jobs, later mails."""
    from muster_platform.worker.run import run_worker

    chosen = settings(state)
    _check(chosen_state=state)
    run_worker(chosen, beat=with_beat)


def beat(state: State = None) -> None:
    """Run Celery's schedule alone: one per installation."""
    from muster_platform.worker.run import run_beat

    _check(chosen_state=state)
    run_beat(settings(state))


def flower(state: State = None) -> None:
    """Serve Flower for the site's page of tasks; nobody else reaches it."""
    from muster_platform.web.site import flower as site
    from muster_platform.worker.flower import run_flower

    chosen = settings(state)
    set_up_logging(chosen)
    run_flower(chosen, user=site.USER, password=site.password(chosen), prefix=site.PREFIX)


def _check(chosen_state: Path | None) -> None:
    with platform(chosen_state) as opened:
        migrate.check(opened.engine)
