"""Migrations: bring the database to this version, or say clearly why not."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from muster_platform.errors import ConfigurationError

_FOLDER = Path(__file__).parent / "migrations"


def configuration(engine: Engine) -> Config:
    """Give Alembic what it needs to work on the engine's database."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["engine"] = engine
    return config


def head() -> str:
    """Give the revision that this version of the code wants."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def current(engine: Engine) -> str | None:
    """Give the database's revision, None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database up to the revision."""
    command.upgrade(configuration(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take migrations back down to the revision (`base`: all)."""
    command.downgrade(configuration(engine), revision)


def check(engine: Engine) -> None:
    """Refuse to work on a database of another version.

    Raises:
        ConfigurationError: empty, older or newer, and what to do.
    """
    found, wanted = current(engine), head()
    if found == wanted:
        return
    if found is None:
        raise ConfigurationError("the database is empty: run `muster db upgrade` first")
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found in known:
        raise ConfigurationError(
            f"the database is at {found}, this Muster wants {wanted}: back it up, then run "
            "`muster db upgrade`"
        )
    raise ConfigurationError(
        f"the database is at {found}, which this Muster does not know: it was made by a newer "
        "version; install that one"
    )
