"""Commands about the installation itself: config, doctor, status, db."""

import json

import typer
from alembic.util import CommandError

from muster_platform import config as configuration
from muster_platform.bootstrap import build
from muster_platform.cli.common import Json, State, settings, show, show_one
from muster_platform.db import migrate
from muster_platform.errors import Unavailable

db_app = typer.Typer(no_args_is_help=True, help="Look after the database's version.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(config)
    app.command()(doctor)
    app.command()(status)
    db_app.command("upgrade")(db_upgrade)
    db_app.command("current")(db_current)
    app.add_typer(db_app, name="db")


def config(state: State = None, as_json: Json = False) -> None:
    """Show the settings in force, secrets masked."""
    show_one(configuration.shown(settings(state)), as_json)


def doctor(state: State = None, as_json: Json = False) -> None:
    """Check every part of the installation and say what to do about what is wrong."""
    from muster_platform.doctor import examine

    findings = examine(settings(state))
    rows = [{"check": f.check, "state": f.state, "detail": f.detail} for f in findings]
    show(rows, ("check", "state", "detail"), as_json)
    if any(f.state == "bad" for f in findings):
        raise typer.Exit(1)


def status(state: State = None, as_json: Json = False) -> None:
    """Show the parts of the `muster up` that works in the state folder."""
    path = settings(state).state_dir / "status.json"
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise Unavailable(
            f"no `muster up` has worked in {path.parent}; start one, or name its folder by --state"
        ) from error
    except ValueError as error:
        raise Unavailable(f"{path}: {error}") from error
    show(found["parts"], ("part", "state", "pid", "starts", "shown"), as_json)


def db_upgrade(state: State = None, as_json: Json = False) -> None:
    """Bring the database to this version; back it up first."""
    platform = build(settings(state))
    before = migrate.current(platform.engine)
    try:
        migrate.upgrade(platform.engine)
    except CommandError:
        migrate.check(platform.engine)  # says it in words where a newer version was here
        raise
    show_one({"before": before, "now": migrate.current(platform.engine)}, as_json)
    platform.close()


def db_current(state: State = None, as_json: Json = False) -> None:
    """Show the database's version and the one that is wanted."""
    platform = build(settings(state))
    show_one({"current": migrate.current(platform.engine), "wanted": migrate.head()}, as_json)
    platform.close()
