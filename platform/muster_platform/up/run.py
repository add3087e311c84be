"""The command `muster up`: prepare, start, say where to sign in, supervise."""

import shutil
from dataclasses import replace
from pathlib import Path

import typer

from muster_platform import config
from muster_platform.bootstrap import build
from muster_platform.settings import Settings
from muster_platform.up import prepare
from muster_platform.up.demo import prepare_demo, simulator
from muster_platform.up.parts import parts
from muster_platform.up.supervisor import Supervisor


def run_up(settings: Settings, *, demo: bool, devices: int, scenario: Path | None) -> None:
    """Run until stopped.

    Raises:
        ConfigurationError: a port is taken, the database is of another version, another
            `muster up` works in the state folder.
    """
    lock = prepare.lock(settings)
    prepare.check_ports(settings)
    if demo:
        settings = _start_empty(settings)
    settings, valkey_port = prepare.embedded_redis(settings)
    prepare.accounts(settings)
    platform = build(replace(settings, redis_url=""))  # nobody listens for signals yet
    try:
        prepare.database(platform)
        sign_in = prepare_demo(platform) if demo else prepare.first_administrator(platform)
        simulated = simulator(platform, devices, scenario) if demo else None
    finally:
        platform.close()
    supervisor = Supervisor(
        parts(settings, valkey_port, simulated),
        log_dir=settings.state_dir / "log",
        say=typer.echo,
        status_file=settings.state_dir / "status.json",
    )
    typer.echo(f"state in {settings.state_dir}, logs in {settings.state_dir / 'log'}")
    supervisor.run(on_ready=lambda: _welcome(settings, sign_in))
    typer.echo("stopped")
    lock.close()


def _welcome(settings: Settings, sign_in: prepare.SignIn | None) -> None:
    typer.echo(f"\n  Muster is up: {settings.public_url}/admin/")
    if sign_in is not None:
        typer.echo(f"  sign in as    {sign_in.email}\n  password      {sign_in.password}")
    else:
        typer.echo("  sign in with an account you have; `muster user list` shows them")
    typer.echo(f"  devices       {', '.join(settings.broker_urls)}\n  Ctrl-C stops all\n")


def _start_empty(settings: Settings) -> Settings:
    """Empty the demonstration's own folder, and only one that a demonstration made.

    The database is the folder's own, whatever is configured: a demonstration must never write
    into somebody's fleet.
    """
    marker = settings.state_dir / "demo"
    if marker.exists():
        for child in settings.state_dir.iterdir():
            if child.name in ("demo", "up.lock"):
                continue
            shutil.rmtree(child) if child.is_dir() else child.unlink()
    marker.touch()
    empty = replace(settings, database_url="", redis_url="", jwt_secret="")
    overrides = {
        "state_dir": empty.state_dir,
        "web_port": empty.web_port,
        "live_port": empty.live_port,
        "broker_port": empty.broker_port,
        "broker_ws_port": empty.broker_ws_port,
    }
    return config.load(environ={}, **overrides)
