"""The command `muster up`: prepare, start, say where to sign in, supervise."""

import secrets
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from muster_platform import config
from muster_platform.bootstrap import build
from muster_platform.errors import ConfigurationError
from muster_platform.settings import Settings
from muster_platform.up import prepare
from muster_platform.up.demo import prepare_demo, simulator
from muster_platform.up.demo_life import DemoLife
from muster_platform.up.mosquitto import prepare_mosquitto
from muster_platform.up.parts import parts
from muster_platform.up.supervisor import Supervisor

_MADE_AT_ONCE = frozenset({"demo", "up.lock", "secrets.toml"})


def run_up(settings: Settings, *, demo: bool, devices: int, scenario: Path | None) -> None:
    """Run until stopped.

    Raises:
        ConfigurationError: a port is taken, the database is of another version, another
            `muster up` works in the state folder.
    """
    with prepare.lock(settings):
        _run(settings, demo=demo, devices=devices, scenario=scenario)


def _run(settings: Settings, *, demo: bool, devices: int, scenario: Path | None) -> None:
    prepare.check_ports(settings)
    if demo:
        settings = _start_empty(settings)
    settings, valkey_port = prepare.embedded_redis(settings)
    config.remember_broker(settings)
    prepare.accounts(settings)
    mosquitto = prepare_mosquitto(settings) if settings.broker_kind == "mosquitto" else None
    platform = build(replace(settings, redis_url=""))  # nobody listens for signals yet
    try:
        prepare.database(platform)
        sign_in = prepare_demo(platform) if demo else prepare.first_administrator(platform)
        simulated = simulator(platform, devices, scenario) if demo else None
    finally:
        platform.close()
    life = DemoLife(settings, devices) if demo else None
    supervisor = Supervisor(
        parts(settings, valkey_port, simulated, mosquitto),
        log_dir=settings.state_dir / "log",
        say=typer.echo,
        status_file=settings.state_dir / "status.json",
    )
    typer.echo(f"state in {settings.state_dir}, logs in {settings.state_dir / 'log'}")
    try:
        supervisor.run(on_ready=lambda: _ready(settings, sign_in, life))
    finally:
        if life is not None:
            life.stop()
        prepare.forget_redis(settings)
    typer.echo("stopped")


def _ready(settings: Settings, sign_in: prepare.SignIn | None, life: DemoLife | None) -> None:
    _welcome(settings, sign_in)
    if life is not None and not life.is_alive():
        life.start()


def _welcome(settings: Settings, sign_in: prepare.SignIn | None) -> None:
    typer.echo(f"\n  Muster is up: {settings.public_url}/admin/")
    if sign_in is not None:
        once = "" if sign_in.others else "   (good once, to choose your own)"
        typer.echo(f"  sign in as    {sign_in.email}\n  password      {sign_in.password}{once}")
        if sign_in.others:
            typer.echo("  or, with the same one, as")
        for email, what in sign_in.others:
            typer.echo(f"    {email:<22} {what}")
    else:
        typer.echo("  sign in with an account you have; `muster user list` shows them")
    typer.echo(f"  devices       {', '.join(settings.broker_urls)}\n  Ctrl-C stops all\n")


def _start_empty(settings: Settings) -> Settings:
    """Empty the demonstration's own folder, and only one that a demonstration made.

    The database and the secrets are the folder's own, whatever is configured: a demonstration
    must never write into somebody's fleet.

    Raises:
        ConfigurationError: the folder holds something else.
    """
    folder = settings.state_dir
    marker = folder / "demo"
    found = [child for child in folder.iterdir() if child.name not in _MADE_AT_ONCE]
    if found and not marker.exists():
        raise ConfigurationError(
            f"{folder} holds more than a demonstration ({found[0].name}); a demonstration starts "
            "empty: choose another --state"
        )
    marker.touch()
    for child in found:
        shutil.rmtree(child) if child.is_dir() else child.unlink()
    fresh: dict[str, Any] = {name: secrets.token_urlsafe(32) for name in config.SECRET_NAMES}
    own = replace(settings, database_url=f"sqlite:///{folder}/muster.db", redis_url="", **fresh)
    config.store_secrets(own)
    return own
